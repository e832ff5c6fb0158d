"""The slots of an answer: their SSRCs, the media streams they belong to, the formats they carry.

Pure but for `new_ssrc`, which the caller gives. A slot keeps its SSRCs and its number for as long as its m-line keeps its
mid and goes on receiving.
"""

from collections.abc import Callable, Iterable, Sequence

from sfu.dataplane.types import Extension, Kind, SlotFormat, SlotParams
from sfu.errors import LocalError
from sfu.ids import Mid
from sfu.negotiation.line_plan import LinePlan
from sfu.negotiation.negotiated import NegotiatedLine
from sfu.negotiation.offered_media import OfferedMedia
from sfu.protocol.sdp import ExtensionMap

PUBLISHING_EXTENSIONS = frozenset({Extension.RID, Extension.REPAIRED_RID})
"""Never sent on a slot, which carries one stream."""

_DRAWS = 64
"""Draws of a free SSRC before the generator is taken to be broken."""


def sent_extensions(offered: OfferedMedia) -> dict[Extension, ExtensionMap]:
    """Extensions that Ciranda may put on what it sends."""
    return {
        extension: each
        for extension, each in offered.extensions.items()
        if each.direction.receives and extension not in PUBLISHING_EXTENSIONS
    }


class SlotPlanner:
    """Hands out SSRCs and stream numbers, one m-line after the other."""

    def __init__(
        self, plans: Sequence[LinePlan], previous: Iterable[NegotiatedLine], cname: str, new_ssrc: Callable[[], int]
    ) -> None:
        wanted = {plan.media.mid: plan.offered.kind for plan in plans if plan.sends and plan.offered is not None}
        self._kept = {
            line.mid: (line.slot, line.slot_number)
            for line in previous
            if line.slot is not None and wanted.get(line.mid) is line.kind
        }
        self._numbers = {kind: {n for slot, n in self._kept.values() if slot.kind is kind} for kind in Kind}
        self._ssrcs = {ssrc for plan in plans for ssrc in plan.media.ssrcs}
        self._ssrcs.update(ssrc for slot, _ in self._kept.values() for ssrc in (slot.ssrc, slot.rtx_ssrc))
        self._cname = cname
        self._new_ssrc = new_ssrc

    def plan(self, mid: Mid, offered: OfferedMedia) -> tuple[SlotParams, int]:
        """(the slot, its number)."""
        kept, number = self._kept.get(mid, (None, None))
        if number is None:
            number = self._free_number(offered.kind)
        slot = SlotParams(
            mid=mid,
            kind=offered.kind,
            ssrc=kept.ssrc if kept else self._free_ssrc(),
            rtx_ssrc=kept.rtx_ssrc if kept else self._free_ssrc(),
            cname=kept.cname if kept else self._cname,
            formats={
                each.format: SlotFormat(each.payload_type, each.rtx.payload_type if each.rtx else None, each.nack)
                for each in offered.formats
            },
            extensions={extension: mapping.id for extension, mapping in sent_extensions(offered).items()},
        )
        return slot, number

    def _free_number(self, kind: Kind) -> int:
        taken = self._numbers[kind]
        number = next(each for each in range(1, len(taken) + 2) if each not in taken)
        taken.add(number)
        return number

    def _free_ssrc(self) -> int:
        for _ in range(_DRAWS):
            ssrc = self._new_ssrc()
            if ssrc not in self._ssrcs and 0 < ssrc < 1 << 32:
                self._ssrcs.add(ssrc)
                return ssrc
        raise LocalError(f"new_ssrc gave no free SSRC in {_DRAWS} draws")
