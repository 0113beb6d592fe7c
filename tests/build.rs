//! Makes Rust of the protocol that the double of EventStoreDB speaks (`esdb_double/proto`), without protoc.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = "esdb_double/proto";
    println!("cargo:rerun-if-changed={folder}");
    let files = ["streams.proto", "gossip.proto", "serverfeatures.proto"];
    let mut names = tonic_build::Config::new();
    names.enable_type_names();
    tonic_build::configure()
        .build_client(false)
        .build_transport(false)
        .disable_comments(".")
        .extern_path(".event_store.client.Empty", "()")
        .bytes(["."])
        .include_file("esdb_protocol.rs")
        .compile_fds_with_config(names, protox::compile(files, [folder])?)?;
    Ok(())
}
