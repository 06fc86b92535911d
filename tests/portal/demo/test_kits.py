import sqlalchemy as sa

from marketplace.kernel import db
from marketplace.portal.kits import policy
from marketplace.portal.kits.models import Kit, KitBooking, KitState
from marketplace.portal.kits.queries import bookings, kits
from marketplace.sharing.items.models.lending import days


def test_each_library_s_building_offers_kits_that_can_be_booked(city):
    found = list(db.session.scalars(kits.offered()))

    assert len(found) == city["kits"] >= 3
    for kit in found:
        assert policy.is_available(kit)
        assert {item.library.building_id for item, _quantity in kit.things if item.library} == {kit.building_id}
        assert {room.building_id for room in kit.rooms} == {kit.building_id}


def test_some_are_booked_with_all_their_parts(city, shown):
    made = bookings.by_id(list(db.session.scalars(sa.select(KitBooking.id)))).values()

    assert shown("resident").id in {one.person_id for one in made}
    for one in made:
        kit = kits.get_kit(one.kit_id)
        assert one.state is KitState.CONFIRMED
        assert [booking.space_id for booking in one.bookings] == [room.id for room in kit.rooms]
        assert [(loan.item_id, loan.quantity) for loan in one.loans] == [(item.id, many) for item, many in kit.things]
        for loan in one.loans:
            assert len(loan.pieces) == loan.quantity
            assert {piece.occupancy.interval for piece in loan.pieces if piece.occupancy} == {
                days(one.first_day, one.last_day)
            }
    assert db.count(sa.select(Kit.id)) == city["kits"]
