"""Korea's national standard layout for opened public facilities (29 columns), read and written.

How a row is understood; where the file leaves it open, the room is closed rather than open and the row gets a
caution.

Names    Some offices write the building first, others the room. The part that the other begins with is the building;
         otherwise the one that sounds like a building. A room named like its building is called by its type.
Hours    00:00-00:00, and a span without a start or an end, is no hours. 09:00-00:00 ends at midnight. 00:00-17:00
         lacks its opening hour (00:00 is the file's "not entered") and 00:00-24:00 is all day. Ends before it starts:
         no hours. A row left with no hour at all is refused.
Closed   Weekdays in any spelling, ranges, weekends, "2nd and 4th Sunday". A day with hours that the prose closes is
         closed, and so is a day without hours that the prose leaves open. An unknown word beside a weekday closes
         that weekday every week and all public holidays; prose with nothing to recognise refuses the row. "Last" of
         the month closes the fourth and the fifth.
Holidays Closed if the prose names them or only some of them (New Year, Chuseok), if it is blank or unclear; otherwise
         the hours of the weekend, if the room is open on Sundays at all.
Fees     An amount makes the room charged even where the flag says free; a charged room without one clear amount has
         base_fee None (ask). A discount in brackets stays in the note; a surcharge there makes the amount unclear. No
         base time: the fee is for one use. Zero for extra time means that no rate was stated.
Points   Outside the bounds given: no point. Swapped numbers are put right only where the given order is impossible
         and the other fits.
Identity key = provider, building, room, type, area; rows that share all of these but differ in people, hours or fee
         have these in their key too. It never depends on a row's place in the file. Rows that agree in all of it are
         one room: the later is refused, also where another provider lists the same room (same names, type, area and
         address). `name_key` (provider, building, room) lets an importer recognise a room whose type or area was
         corrected, if it is the only one of its name before and after.

What `write` cannot say in the official columns it adds to the prose in square brackets, and `read` takes that at its
word.
"""

from marketplace.sharing.spaces.layouts.columns import COLUMNS, clean, guard
from marketplace.sharing.spaces.layouts.equipment import features
from marketplace.sharing.spaces.layouts.fees import Fee
from marketplace.sharing.spaces.layouts.hours import MIDNIGHT, ClosedDays, Hours, read_closed
from marketplace.sharing.spaces.layouts.names import digest, kind, names, official_kind_of, tight
from marketplace.sharing.spaces.layouts.official import OfficialRoom
from marketplace.sharing.spaces.layouts.reading import Bounds, Layout, read
from marketplace.sharing.spaces.layouts.remarks import Caution, LayoutError, Refusal
from marketplace.sharing.spaces.layouts.writing import write

__all__ = [
    "COLUMNS", "MIDNIGHT", "Bounds", "Caution", "ClosedDays", "Fee", "Hours", "Layout", "LayoutError", "OfficialRoom",
    "Refusal", "clean", "digest", "features", "guard", "kind", "names", "official_kind_of", "read", "read_closed",
    "tight", "write",
]  # fmt: skip
