"""What a run costs, by what it used."""

import pytest

from roster_sync.domain.usage import Usage, of_message

MILLION = 1_000_000


@pytest.mark.parametrize(
    ("usage", "cost_usd"),
    [
        (Usage(read_units=MILLION), 0.125),
        (Usage(write_units=MILLION), 0.625),
        (Usage(queue_requests=MILLION), 0.40),
        (Usage(gb_seconds=3600), 0.048),
        (Usage(invocations=MILLION), 0.20),
        (Usage(), 0),
        (Usage(read_units=MILLION, write_units=MILLION), 0.75),
    ],
)
def test_each_thing_has_its_price(usage: Usage, cost_usd: float) -> None:
    assert usage.cost_usd == pytest.approx(cost_usd, rel=1e-4)


@pytest.mark.parametrize(
    ("size_bytes", "requests"), [(0, 3), (1, 3), (65_536, 3), (65_537, 5), (200_000, 9), (1_048_576, 33)]
)
def test_a_message_is_paid_by_64_kb_when_it_is_sent_and_received(size_bytes: int, requests: int) -> None:
    assert of_message(size_bytes) == Usage(queue_requests=requests)


def test_usages_add_up_and_part_field_by_field() -> None:
    one = Usage(read_units=1, write_units=2, queue_requests=3, gb_seconds=4, invocations=5)
    other = Usage(read_units=10, write_units=20, queue_requests=30, gb_seconds=40, invocations=50)

    assert one + other == Usage(read_units=11, write_units=22, queue_requests=33, gb_seconds=44, invocations=55)
    assert (one + other) - other == one
