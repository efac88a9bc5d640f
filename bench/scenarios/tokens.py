"""tbd"""
from bench.figures import Figure
async def measure(bench): return []
