"""What `make test` leaves to other targets."""

from pathlib import Path

import pytest

from tests.samples import SAMPLES, left_out

ROOT = Path(__file__).parents[1]


class Item:
    """A test as pytest collects it."""

    def __init__(self, nodeid: str, *, slow: bool = False) -> None:
        self.nodeid, self.slow = nodeid, slow

    def get_closest_marker(self, name: str) -> bool:
        return self.slow and name == "slow"


def taken(items: list[Item], share: int) -> set[str]:
    left = {item.nodeid for item in left_out(items, share)}
    return {item.nodeid for item in items} - left


def test_every_test_is_in_one_share():
    items = [Item(f"{file}::test[{k}]") for file in (
        "tests/semantics/test_sums.py", "tests/semantics/test_links.py", "tests/docs/test_a.py"
    ) for k in range(25)]  # fmt: skip
    shares = [taken(items, share) for share in range(24)]
    assert set.union(*shares) == {item.nodeid for item in items}
    assert len([name for name in shares[0] if "sums" in name]) == 2
    assert len([name for name in shares[4] if "sums" in name]) == 1
    assert len([name for name in shares[0] if "links" in name]) == 3
    assert all(len([name for name in share if "docs" in name]) == 25 for share in shares)


def test_what_is_slow_anyway_does_not_count():
    file = "tests/semantics/test_links.py"
    items = [Item(f"{file}::a"), Item(f"{file}::b", slow=True), Item(f"{file}::c")]
    assert [item.nodeid for item in left_out(items, 0)] == [f"{file}::c"]


@pytest.mark.parametrize(("place", "one_of", "target"), SAMPLES, ids=lambda value: str(value))
def test_places_and_targets_are_there(place, one_of, target):
    assert (ROOT / place).exists()
    assert one_of > 1
    name = target.removeprefix("make ")
    assert f"\n{name}:" in (ROOT / "Makefile").read_text()
    assert f"`{place.removeprefix('tests/').rstrip('/')}`" in (ROOT / "CONTRIBUTING.md").read_text()
