//! The thin door: arguments in, exit code out.

fn main() -> std::process::ExitCode {
    pilothouse::cli::main()
}
