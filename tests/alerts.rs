//! Absence alerts: raised at once, told to the family, followed until somebody knows.

mod clocks;
mod links;
mod raised;
mod tilleuls;
mod told;
