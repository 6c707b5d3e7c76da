"""How the numbers that ship were made; reproducible from a seed."""
