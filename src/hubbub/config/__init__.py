"""Everything that can be chosen about a running Hubbub, and where the choice was made.

`settings` is the table, `values` reads texts, `loading` finds them, `checks` looks at them together, `devsecret` keeps
the development server's secret, `page` writes docs/settings.md; `roles` says what parts a process may be.
"""

from hubbub.config.checks import check_consistent, check_for_serving, check_processes, is_loopback
from hubbub.config.devsecret import secret_file, with_dev_secret
from hubbub.config.loading import load_settings
from hubbub.config.roles import Role
from hubbub.config.settings import Origin, Row, Settings, rows

__all__ = [
    "Origin",
    "Role",
    "Row",
    "Settings",
    "check_consistent",
    "check_for_serving",
    "check_processes",
    "is_loopback",
    "load_settings",
    "rows",
    "secret_file",
    "with_dev_secret",
]
