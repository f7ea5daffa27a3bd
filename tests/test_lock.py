"""requirements.lock: what `make setup` installs."""

import configparser
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PIN = re.compile(r"([a-z0-9-]+)==(\S+)")


def declared() -> list[str]:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    return [
        *config["options"]["install_requires"].split(),
        *config["options.extras_require"]["dev"].split(),
    ]


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    found = [PIN.fullmatch(line) for line in lines if not line.startswith("#")]
    assert all(found), "a line is no `name==version`"
    return dict(pin.groups() for pin in found if pin)


@pytest.mark.parametrize("line", declared())
def test_what_setup_cfg_asks_for_is_pinned_to_a_version_that_it_allows(pins, line):
    requirement = Requirement(line)
    pin = Version(pins[canonicalize_name(requirement.name)])
    assert requirement.specifier.contains(pin), "run `make lock`"
