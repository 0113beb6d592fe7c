//! The messages of the protocol and the services over them, which `build.rs` makes of `proto/`.

#![expect(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::doc_markdown,
    clippy::enum_variant_names,
    clippy::large_enum_variant,
    clippy::too_many_lines,
    unreachable_pub,
    reason = "made by a program, of names that are not ours"
)]

include!(concat!(env!("OUT_DIR"), "/esdb_protocol.rs"));
