"""What is true of rosters; knows neither AWS nor HTTP."""
