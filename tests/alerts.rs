//! Absence alerts: raised at once, told to the family, followed until somebody knows.

mod board;
mod changes;
mod clocks;
mod crowd;
mod documents;
mod hostile;
mod killed;
mod links;
mod many;
mod metrics;
mod outages;
mod own;
mod raised;
mod receipts;
mod tilleuls;
mod told;
