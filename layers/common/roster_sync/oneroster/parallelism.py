"""How many requests a provider gets at once: fewer when it does not cope, step by step more when it does."""

from typing import Final

_SMOOTHING: Final = 0.3
_SLOWER: Final = 2.0
_NOTICEABLE_S: Final = 0.5


class Parallelism:
    """A limit that follows what one provider bears.

    It begins with the most that is allowed. As many good answers as the limit allows at once raise it by one; a 429, a
    5xx, a time-out or an answer time that has doubled halves it. What was asked before a halving tells nothing about
    the limit after it.

    Times are seconds of any clock that does not go back. Not for several threads at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(most)
        self._halved_at = float("-inf")
        self._paused_until = float("-inf")
        self._usual_s = float("inf")
        self._recent_s: float | None = None

    @property
    def limit(self) -> int:
        """At most so many requests under way."""
        return int(self._limit)

    def pause_s(self, now_s: float) -> float:
        """How long no request may begin, because the provider asked for a pause; 0 if one may."""
        return max(self._paused_until - now_s, 0.0)

    def answered(self, begun_s: float, now_s: float) -> None:
        """Note an answer that shows no overload, whatever else it says."""
        took_s = now_s - begun_s
        self._recent_s = took_s if self._recent_s is None else self._recent_s + _SMOOTHING * (took_s - self._recent_s)
        self._usual_s = min(self._usual_s, self._recent_s)
        if self._recent_s > _SLOWER * self._usual_s + _NOTICEABLE_S:
            self._halve(begun_s, now_s)
            # If fewer requests make it no faster, the reason is another one, such as a far offset.
            self._usual_s = self._recent_s
        else:
            self._limit = min(self._limit + 1 / self._limit, self._most)

    def overloaded(self, begun_s: float, now_s: float) -> None:
        """Note a 429, a 5xx or a time-out."""
        self._halve(begun_s, now_s)

    def pause(self, now_s: float, seconds: float) -> bool:
        """Note a pause that the provider asks for; False if one as long holds already."""
        longer = now_s + seconds > self._paused_until
        if longer:
            self._paused_until = now_s + seconds
        return longer

    def _halve(self, begun_s: float, now_s: float) -> None:
        if begun_s >= self._halved_at:
            self._limit = max(self._limit / 2, 1.0)
            self._halved_at = now_s
