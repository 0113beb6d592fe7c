//! SIECLE: the national base of students, their families, and what its codes mean.
//!
//! None of its exchange formats is published; elements are those of samples and of other programs
//! that read them. Two sections of a file may come in any order, unknown elements are read over.
//! Dates are of the form 31/08/2026.

pub(super) mod addresses;
pub(super) mod guardians;
pub(super) mod nomenclature;
pub(super) mod structures;
pub(super) mod students;
