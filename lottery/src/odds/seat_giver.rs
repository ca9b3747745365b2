//! Seats given to one entry after the other, in line order: what [`Parts::give_seats`] gives to the whole line.
//!
//! An entry takes the first reserved seat of a quota that names its part, or else the first open one of which its quota is not
//! full. Both only ever become fewer, so each part looks for them from where it looked last.

use crate::parts::Parts;
use crate::{PrizeList, Quota};

/// The seats of one draw that are left.
pub(super) struct SeatGiver<'a> {
    parts: &'a Parts,
    all: Left,
    left: Left,
}

#[derive(Clone)]
struct Left {
    /// By the prize's index: the seats that are open to all.
    open: Vec<u32>,
    /// By the prize's index and the quota's: the reserved seats, and how many open ones it may take.
    reserved: Vec<Vec<u32>>,
    room: Vec<Vec<u32>>,
    /// By the number of the part: the first prizes that may have a reserved, or an open seat for it.
    first_reserved: Vec<usize>,
    first_open: Vec<usize>,
}

impl<'a> SeatGiver<'a> {
    pub(super) fn new(parts: &'a Parts, prizes: &PrizeList) -> Self {
        let each = |of_quota: fn(&Quota) -> u32| {
            let of_prize = |quota: &Vec<Quota>| quota.iter().map(of_quota).collect::<Vec<_>>();
            prizes.as_slice().iter().map(|prize| of_prize(&prize.quota)).collect::<Vec<_>>()
        };
        let reserved = each(Quota::reserved);
        let open = prizes.as_slice().iter().zip(&reserved);
        let all = Left {
            open: open.map(|(prize, reserved)| prize.winners - reserved.iter().sum::<u32>()).collect(),
            room: each(|quota| quota.at_most.map_or(u32::MAX, |at_most| at_most - quota.reserved())),
            reserved,
            first_reserved: vec![0; parts.count()],
            first_open: vec![0; parts.count()],
        };
        Self { parts, left: all.clone(), all }
    }

    /// All seats are free again.
    pub(super) fn begin(&mut self) {
        self.left.clone_from(&self.all);
    }

    /// Gives a seat to the next in line, who belongs to this part. The prize's index; none if no seat is left for the part.
    pub(super) fn give(&mut self, part: usize) -> Option<usize> {
        let Left { open, reserved, room, first_reserved, first_open } = &mut self.left;
        let next = &mut first_reserved[part];
        while *next < open.len() {
            let prize = *next;
            if let Some(quota) = self.parts.quota(prize, part)
                && let Some(left) = reserved[prize][quota].checked_sub(1)
            {
                reserved[prize][quota] = left;
                return Some(prize);
            }
            *next += 1;
        }
        let next = &mut first_open[part];
        while *next < open.len() {
            let prize = *next;
            let quota = self.parts.quota(prize, part);
            if open[prize] > 0 && quota.is_none_or(|quota| room[prize][quota] > 0) {
                open[prize] -= 1;
                if let Some(quota) = quota {
                    room[prize][quota] -= 1;
                }
                return Some(prize);
            }
            *next += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::{Group, Prize, PrizeName};

    use super::*;

    fn prizes() -> PrizeList {
        let quota = |groups: &[&str], without_group, at_least, at_most| Quota {
            groups: groups.iter().map(|name| Group::parse(name).unwrap()).collect(),
            without_group,
            at_least,
            at_most,
        };
        let prize = |winners, quota| Prize { name: PrizeName::parse("x").unwrap(), winners, quota };
        PrizeList::try_from(vec![
            prize(4, vec![quota(&["a"], false, Some(1), Some(2)), quota(&["b", "c"], false, None, Some(1))]),
            prize(3, vec![quota(&["b"], true, Some(2), None)]),
            prize(2, vec![quota(&["a", "b"], false, None, Some(0))]),
        ])
        .unwrap()
    }

    #[test]
    fn one_after_the_other_gets_the_seat_that_the_whole_line_gives() {
        let prizes = prizes();
        let parts = Parts::of(&prizes);
        let mut giver = SeatGiver::new(&parts, &prizes);
        let mut state = 1u32;
        for _ in 0..500 {
            let line: Vec<_> = (0..30)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 16) as usize % parts.count()
                })
                .collect();
            giver.begin();
            let given: Vec<_> = line.iter().map(|part| giver.give(*part)).collect();
            let whole = parts.give_seats(&line, &prizes).into_iter();
            let whole: Vec<_> = whole.map(|seat| seat.map(|(prize, _)| prize as usize)).collect();
            assert_eq!(given, whole, "{line:?}");
        }
    }
}
