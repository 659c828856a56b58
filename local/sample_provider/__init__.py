"""A OneRoster v1.1 provider with a made-up district, to try the sync against."""

from local.sample_provider.district import Counselor, District, Record, generate_district
from local.sample_provider.overnight import OvernightChanges
from local.sample_provider.server import SampleProvider

__all__ = ["Counselor", "District", "OvernightChanges", "Record", "SampleProvider", "generate_district"]
