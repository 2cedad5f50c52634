"""Viewers who go from gateway to gateway, while a log across a network comes and goes."""

from __future__ import annotations

from tests.fanout.distant.world import Gateway, World


async def test_a_viewer_who_was_cut_off_among_events_of_the_store_misses_none(world: World, gateway: Gateway) -> None:
    """Wherever it returns, on this gateway or another, while the broker is away or after; doubles bear the same id."""
    another = await world.gateway()
    witness = await another.watch()
    watcher = await gateway.watch()
    await world.say()
    for broker in (world.api, gateway.broker, another.broker):
        broker.leave()
    for _ in range(5):
        await world.say()
        await world.let_pass(1)
    places = [id for name, _, id in watcher.events() if name == "comment"]
    returned = [(n, await one.watch(id)) for n, id in enumerate(places) for one in (gateway, another)]
    await world.heal()
    await world.say()
    returned += [(n, await one.watch(id)) for n, id in enumerate(places) for one in (gateway, another)]
    await world.let_pass(3)
    texts = [comment.text for comment in world.said]
    for place, viewer in returned:
        assert set(viewer.texts()) >= set(texts[place + 1 :])
        assert [name for name, _, _ in viewer.events()].count("reset") == 0
    assert witness.texts() == watcher.texts() == texts


async def test_who_returns_to_a_gateway_that_opened_without_the_log_misses_nothing(
    world: World, gateway: Gateway
) -> None:
    """What such a gateway knows from the store only, it does not claim to have given to those who were elsewhere."""
    elsewhere = await gateway.watch()
    await world.say("1")
    await gateway.settle()
    place = elsewhere.last_id()
    await world.say("2")
    another = await world.gateway()
    another.broker.leave()
    first = await another.watch()
    assert first.texts() == ["1", "2"]
    another.broker.come_back()
    await world.look()
    returned = await another.watch(place)
    await world.say("3")
    await another.settle()
    assert returned.texts()[-2:] == ["2", "3"]
    assert first.texts() == ["1", "2", "3"]


async def test_who_goes_from_one_gateway_without_the_log_to_another_misses_nothing(
    world: World, gateway: Gateway
) -> None:
    """A place where one of them began is none of the other's."""
    await world.say("1")
    viewer = await gateway.watch()
    for text in ("2", "3"):
        another = await world.gateway()
        another.broker.leave()
        viewer = await another.watch(viewer.last_id())
        await another.settle()
        await world.say(text)
    last = await world.gateway()
    last.broker.leave()
    returned = await last.watch(viewer.last_id())
    await last.settle()
    assert returned.texts()[-1:] == ["3"]


async def test_who_returns_where_the_store_serves_is_given_what_was_late_elsewhere(
    world: World, gateway: Gateway
) -> None:
    """At the gateway that they left, a comment was not in the log yet that was said before what they had seen."""
    viewer = await gateway.watch()
    without_log = await world.gateway()
    await without_log.watch()
    without_log.broker.leave()
    world.api.leave()
    await world.say("late")
    world.clock.advance(12)
    await without_log.lookout.look()
    world.api.come_back()
    await world.say("seen")
    await gateway.settle()
    assert viewer.texts() == ["seen"]
    returned = await without_log.watch(viewer.last_id())
    await without_log.settle()
    await world.heal()
    assert {"late", "seen"} <= {*viewer.texts(), *returned.texts()}
    assert "late" in returned.texts()


async def test_what_was_published_long_after_it_was_said_reaches_those_who_return(
    world: World, gateway: Gateway
) -> None:
    """Also at a gateway that was opened in between, and had it from the store by then."""
    elsewhere = await gateway.watch()
    await world.say("1")
    await gateway.settle()
    world.api.leave()
    await world.say("late")
    world.clock.advance(15)
    another = await world.gateway()
    first = await another.watch()
    await another.settle()
    assert first.texts() == ["1", "late"]
    returned = await another.watch(elsewhere.last_id())
    world.api.come_back()
    await world.look()
    assert "late" in returned.texts()
    assert set(first.texts()) == {"1", "late"}
