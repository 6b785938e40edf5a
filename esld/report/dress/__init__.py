"""How a table is written for each reader."""
