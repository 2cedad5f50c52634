"""URLs of Redis, and names in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hubbub.brokers.redis.keys import Keys
from hubbub.comments.draft import check_video_id
from hubbub.config.values import key_prefix
from hubbub.errors import Refusal
from hubbub.redis import Address, Misconfigured
from hubbub.redis.address import Host
from hubbub.redis.topology import slot_of


def test_everything_that_a_url_can_say() -> None:
    """Hosts with and without port, IPv6, user and password percent-decoded, the database."""
    address = Address.of("redis://us%40er:p%2Fa:ss@one,[::1]:7000,10.0.0.1:7001/3")
    assert address.hosts == (Host("one", 6379), Host("::1", 7000), Host("10.0.0.1", 7001))
    assert (address.user, address.password, address.db) == ("us@er", "p/a:ss", 3)
    assert (address.cluster, address.context) == (False, None)
    assert Address.of("redis+cluster://a").cluster
    assert Address.of("rediss+cluster://:secret@a:1").context is not None


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("memcached://a", "no scheme of Redis"),
        ("redis://", "is not HOST"),
        ("redis://a:0", "is not HOST"),
        ("redis://a:99999", "is not HOST"),
        ("redis://a,,b", "is not HOST"),
        ("redis://a/x", "not the number of a database"),
        ("redis+cluster://a/1", "no numbered databases"),
        ("redis://user@a", "no password"),
        ("redis://a?ca=x", "'ca' is not known"),
        ("rediss://a?cert=x", "'cert' is not known"),
        ("rediss://a?ca=/nowhere/ca.pem", "can't be read"),
    ],
)
def test_a_url_that_can_not_be_meant(url: str, word: str) -> None:
    """A sentence that says what would be right."""
    with pytest.raises(Misconfigured, match=word):
        Address.of(url)


def test_a_file_that_is_no_certificate(tmp_path: Path) -> None:
    """Is said to be none."""
    (tmp_path / "ca.pem").write_text("hello")
    with pytest.raises(Misconfigured, match=r"ca\.pem can't be read"):
        Address.of(f"rediss://a?ca={tmp_path / 'ca.pem'}")


def test_slots_are_redis_clusters() -> None:
    """The examples of Redis Cluster's specification: CRC16 of what stands in braces."""
    assert slot_of(b"x:{123456789}:y") == 0x31C3
    assert slot_of(b"{foo}") == 12182


@pytest.mark.parametrize("channels", [None, 16])
def test_a_log_and_its_channel_share_a_slot(channels: int | None) -> None:
    """A script may push only where it runs."""
    keys = Keys("hubbub", channels)
    for number in range(200):
        video = f"v-{number}"
        assert slot_of(keys.log(video)) == slot_of(keys.channel(video))
    assert len({keys.channel(f"v-{number}") for number in range(200)}) == (channels or 200)
    assert len({keys.log(f"v-{number}") for number in range(200)}) == 200


@pytest.mark.parametrize("brace", ["{", "}", "{}", "a{b}c"])
def test_nobody_can_choose_a_slot(brace: str) -> None:
    """Braces are in no video id and in no prefix."""
    with pytest.raises(Refusal):
        check_video_id(brace)
    with pytest.raises(ValueError, match="letters, digits"):
        key_prefix(brace)
