"""Fixtures that several unit tests share."""

from tests.unit.data_channel_pair import pair as pair
