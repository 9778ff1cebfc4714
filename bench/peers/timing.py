"""How the peers' figures are taken and told, as in ../measure.ts."""
import json
import time


def percentile(values, share):
    """Between the two nearest values where the share falls between them."""
    place = share * (len(values) - 1)
    below = values[int(place)]
    return below + place % 1 * (values[min(int(place) + 1, len(values) - 1)] - below)


def tell(peer, row, what, values):
    """Prints median, tenth and ninetieth percentile as a JSON line."""
    values = sorted(values)
    low, median, high = (percentile(values, share) for share in (0.1, 0.5, 0.9))
    figures = {"median": median, "low": low, "high": high, "samples": len(values)}
    print(json.dumps({"peer": peer, "row": row, "what": what, **figures}), flush=True)


def time_calls(seconds, work):
    """Seconds of each call, for so many seconds and at least five calls, after a quarter of it to warm up."""
    end = time.perf_counter() + seconds / 4
    calls = 0
    while calls < 3 or time.perf_counter() < end:
        work()
        calls += 1
    times = []
    end = time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return times
