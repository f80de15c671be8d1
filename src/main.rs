//! The `auscult` command. Everything happens in the library; this hands over the arguments and the exit code.

fn main() -> std::process::ExitCode {
    auscult::cli::main()
}
