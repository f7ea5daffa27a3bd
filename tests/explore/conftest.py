import pytest

from demo_project import DemoProject


@pytest.fixture(scope="session")
def duplicates(demo: DemoProject) -> DemoProject:
    """The same warehouse after the pipeline `deduplicate` ran over the same documents."""
    assert demo.run("deduplicate").exit_code == 0
    return demo
