//! When the demo school's lessons take place: a place in the week for each.
//!
//! Blocks are placed one after the other where it suits their classes best; when one finds no
//! place, all begins again with other dice. A room belongs to a teacher or to a division, so that
//! it is free whenever they are.

use anyhow::Context;
use chrono::Weekday;
use domain::timetable::{Meeting, Weeks};

use super::{
    calendar::SLOTS_OF_HALF,
    courses::{Block, DIVISIONS, Programme},
    dice::Dice,
};

const ATTEMPTS_MAX: u64 = 200;
const WEEKDAYS: [Weekday; 5] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri];
const SLOTS: usize = 2 * SLOTS_OF_HALF as usize;
const CELLS: usize = WEEKDAYS.len() * SLOTS;

/// The weeks in which somebody is not free, cell by cell: bit 0 for A, bit 1 for B.
type Taken = [u8; CELLS];

/// A week that fills while blocks are placed.
struct Grid<'a> {
    programme: &'a Programme,
    dice: Dice,
    divisions: Vec<Taken>,
    teachers: Vec<Taken>,
    /// The cells of each course.
    placed: Vec<Vec<(usize, Weeks)>>,
}

/// The weekly meetings of each course of the programme.
///
/// # Errors
/// When the blocks cannot be placed: the programme asks for more than a week has.
pub(super) fn place(
    programme: &Programme,
    staff: usize,
    seed: u64,
) -> anyhow::Result<Vec<Vec<Meeting>>> {
    let attempt = |n| {
        let mut grid = Grid {
            programme,
            dice: Dice::at_table(seed, 1_000 + n),
            divisions: vec![[0; CELLS]; DIVISIONS],
            teachers: vec![[0; CELLS]; staff],
            placed: vec![vec![]; programme.courses.len()],
        };
        programme.blocks.iter().all(|block| grid.place(block)).then_some(grid)
    };
    let grid = (0..ATTEMPTS_MAX).find_map(attempt).context("the timetable has no solution")?;
    let meetings = programme.courses.iter().zip(grid.placed).map(|(course, mut cells)| {
        cells.sort_unstable_by_key(|(cell, _)| *cell);
        let meeting = |(cell, weeks)| Meeting {
            weekday: WEEKDAYS[cell / SLOTS],
            slot: u8::try_from(cell % SLOTS).unwrap_or_default() + 1,
            weeks,
            room: course.room.clone(),
        };
        cells.into_iter().map(meeting).collect()
    });
    Ok(meetings.collect())
}

impl Grid<'_> {
    /// Puts a block where it suits best. Says whether there was a place.
    fn place(&mut self, block: &Block) -> bool {
        let free: Vec<usize> = (0..CELLS).filter(|cell| self.is_free(block, *cell)).collect();
        let jitter: Vec<usize> = free.iter().map(|_| self.dice.below(6)).collect();
        let costs = free.iter().zip(jitter).map(|(cell, jitter)| self.cost(block, *cell) + jitter);
        let Some((_, cell)) = costs.zip(&free).min() else { return false };
        for cell in *cell..*cell + usize::from(block.length) {
            for division in block.first_division..block.first_division + block.divisions {
                self.divisions[division][cell] |= weeks_of(block);
            }
            for (course, weeks) in &block.courses {
                self.teachers[self.programme.courses[*course].teacher][cell] |= bits(weeks);
                self.placed[*course].push((cell, weeks.clone()));
            }
        }
        true
    }

    fn is_free(&self, block: &Block, first: usize) -> bool {
        let (slot, length) = (first % SLOTS, usize::from(block.length));
        let half = usize::from(SLOTS_OF_HALF);
        let wednesday = WEEKDAYS[first / SLOTS] == Weekday::Wed;
        if slot % half + length > half || wednesday && slot >= half {
            return false;
        }
        let divisions = block.first_division..block.first_division + block.divisions;
        (first..first + length).all(|cell| {
            let classes = self.divisions[divisions.clone()].iter().map(|taken| taken[cell]);
            let teachers = block.courses.iter().map(|(course, weeks)| {
                self.teachers[self.programme.courses[*course].teacher][cell] & bits(weeks)
            });
            classes.map(|taken| taken & weeks_of(block)).chain(teachers).all(|taken| taken == 0)
        })
    }

    /// Late lessons, full days and a subject twice on a day are what nobody likes.
    fn cost(&self, block: &Block, cell: usize) -> usize {
        let (day, slot) = (cell / SLOTS, cell % SLOTS);
        let of_day = day * SLOTS..(day + 1) * SLOTS;
        let taken = &self.divisions[block.first_division][of_day.clone()];
        let load = taken.iter().filter(|taken| **taken != 0).count();
        let room = if WEEKDAYS[day] == Weekday::Wed { SLOTS / 2 } else { SLOTS };
        let again = block.courses.iter().flat_map(|(course, _)| &self.placed[*course]);
        let again = again.filter(|(cell, _)| of_day.contains(cell)).count();
        let late = match SLOTS - slot {
            1 => 14,
            2 => 6,
            _ => 0,
        };
        40 * again + late + 20 * load / room
    }
}

fn weeks_of(block: &Block) -> u8 {
    block.courses.iter().fold(0, |taken, (_, weeks)| taken | bits(weeks))
}

fn bits(weeks: &Weeks) -> u8 {
    match weeks {
        Weeks::A => 0b01,
        Weeks::B => 0b10,
        Weeks::Every | Weeks::Listed(_) => 0b11,
    }
}
