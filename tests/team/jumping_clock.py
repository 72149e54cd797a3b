"""``fault_client`` on a machine whose clock is put right again and again, by up to a day in either direction."""

from __future__ import annotations

import random
import time


def main() -> None:
    wall, steady, rng = time.time_ns, time.monotonic_ns, random.Random(20)
    jump = [0, 0]

    def jumping() -> int:
        if steady() > jump[1]:
            jump[:] = rng.randint(-(10**9) * 86_400, 10**9 * 86_400), steady() + 10**8
        return wall() + jump[0]

    time.time_ns = jumping
    time.time = lambda: jumping() / 1e9
    from tests.team import fault_client  # the journal takes its clock when it is imported

    fault_client.main()


if __name__ == "__main__":
    main()
