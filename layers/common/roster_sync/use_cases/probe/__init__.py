"""The parts of a probe: what is probed, what is asked, what the answers mean, and the report."""
