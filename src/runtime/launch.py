"""Starts a replica: `python launch.py SETTINGS [--process N] [--control-fd FD]`.

SETTINGS is a file, or `env:NAME` for an environment variable, and holds what `cortex_runtime.settings` reads. This script
only puts `sys.path` in order, so that whatever the user installed wins over what the runtime brings along, and hands over.
"""

import os
import sys


def arrange_path(source: str) -> None:
    """Packages of the user first, then the runtime, then its unpacked wheels. The project's own folders come later."""
    import json

    if source.startswith("env:"):
        settings = json.loads(os.environ[source[4:]])
    else:
        with open(source, encoding="utf-8") as file:
            settings = json.load(file)
    runtime_folder = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != runtime_folder]
    for folder in settings.get("site_packages") or []:
        add_packages(folder)
    sys.path.append(runtime_folder)
    if settings.get("wheels_dir"):
        sys.path.append(settings["wheels_dir"])


def add_packages(folder: str) -> None:
    """Makes `folder` one of packages, its .pth files included, that wins over those the interpreter has of its own."""
    import site

    before = list(sys.path)
    site.addsitedir(folder)
    added = [entry for entry in sys.path if entry not in before]
    own = (index for index, entry in enumerate(before) if os.path.basename(entry) in ("site-packages", "dist-packages"))
    at = next(own, len(before))
    sys.path[:] = before[:at] + added + before[at:]


if __name__ == "__main__":
    if sys.version_info < (3, 9):
        sys.exit("Cortex needs Python 3.9 or later, this is %d.%d" % sys.version_info[:2])
    if len(sys.argv) < 2:
        sys.exit("usage: launch.py SETTINGS [--process N] [--control-fd FD]")
    arrange_path(sys.argv[1])
    from cortex_runtime.main import main

    sys.exit(main(sys.argv[1:]))
