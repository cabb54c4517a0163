//! Link options of the shared library. It must not generate code.

fn main() {
    let target = |what: &str| std::env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    // librdkafka's threads and thread-local data must never lose their code: on systems with ELF the library stays in
    // memory once it is loaded, whatever an embedding program unloads.
    if target("OS") == "linux" {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
    // Calls that rdk/src/wrap.rs makes in librdkafka's place; it says why, and has them for the same systems.
    if target("OS") == "linux" && target("ENV") == "gnu" && ["x86_64", "aarch64"].contains(&&*target("ARCH")) {
        for name in [
            "pipe",
            "accept",
            "cnd_wait",
            "cnd_timedwait",
            "rd_kafka_OffsetFetchRequest",
            "rd_kafka_handle_OffsetFetch",
            "rd_kafka_buf_retry",
        ] {
            println!("cargo:rustc-cdylib-link-arg=-Wl,--wrap={name}");
        }
    }
    println!("cargo:rerun-if-changed=build.rs");
}
