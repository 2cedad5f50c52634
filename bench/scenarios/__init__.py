"""A file a scenario; this is their order in the table."""

from bench.scenario import Scenario
from bench.scenarios.backlog import Backlog
from bench.scenarios.busy_page import BusyPage
from bench.scenarios.frames import Frames
from bench.scenarios.history import History
from bench.scenarios.hot import Hot
from bench.scenarios.memory import Memory
from bench.scenarios.paced import Paced
from bench.scenarios.pages import LivePages
from bench.scenarios.posts import Posts
from bench.scenarios.posts_beside import PostsBeside
from bench.scenarios.publishing import Publishing
from bench.scenarios.reconnecting import Reconnecting
from bench.scenarios.replay_page import ReplayPage
from bench.scenarios.returning import Returning
from bench.scenarios.routing import Routing
from bench.scenarios.spread import Spread
from bench.scenarios.videos import Videos
from bench.scenarios.videos_over_redis import VideosOverRedis
from bench.scenarios.windows import Windows

ALL: tuple[type[Scenario], ...] = (
    Frames,
    Hot,
    Paced,
    Memory,
    Posts,
    PostsBeside,
    History,
    Backlog,
    Returning,
    Videos,
    Publishing,
    Spread,
    VideosOverRedis,
    Reconnecting,
    Routing,
    Windows,
    LivePages,
    BusyPage,
    ReplayPage,
)
