"""Many 8-byte hashes that can be asked for: a quarter of the memory of a dict, nearly as fast."""

from __future__ import annotations

from array import array

_FREE = -1  # Python's hash() is never -1


class Hashes:
    """Values of hash(), each in the first free place from where its low bits point.

    What stands beside each in `beside` is kept with it, of one that comes again the later.
    `twice` holds those that came more than once, and `repeats` is how often that was. It takes 16
    to 32 bytes a value, twice that with what is beside.
    """

    def __init__(self, values: array[int], beside: array[int] | None = None) -> None:
        size = 1 << (2 * len(values)).bit_length()
        self._places = places = array("q", [_FREE]) * size
        self._beside = kept = array("q", [0]) * (0 if beside is None else size)
        self._mask = mask = size - 1
        self.twice: set[int] = set()
        self.repeats = 0
        for number, value in enumerate(values):
            at = value & mask
            while (there := places[at]) != _FREE and there != value:
                at = (at + 1) & mask
            if there == value:
                self.twice.add(value)
                self.repeats += 1
            else:
                places[at] = value
            if beside is not None:
                kept[at] = beside[number]

    def get(self, value: int) -> int | None:
        """What stood beside a value; None where the value is not there."""
        places, mask = self._places, self._mask
        at = value & mask
        while (there := places[at]) != value:
            if there == _FREE:
                return None
            at = (at + 1) & mask
        return self._beside[at]
