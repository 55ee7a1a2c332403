//! What Fairway itself logs, on standard error.

use crate::configuration::LogFormat;
use std::fmt::{Debug, Result};
use std::io::IsTerminal;
use tracing::{Subscriber, field::Field};
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::{self, MakeWriter, format};
use tracing_subscriber::{EnvFilter, util::SubscriberInitExt};

/// Begins to write what is logged.
pub(crate) fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    log(format, filter, std::io::stderr, std::io::stderr().is_terminal()).init();
}

/// What others said is written without control sequences. As JSON, the library sees to that.
fn log<W>(format: LogFormat, filter: EnvFilter, to: W, colours: bool) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let log = fmt::fmt().with_env_filter(filter).with_writer(to).with_ansi(colours);
    match format {
        LogFormat::Json => Box::new(log.json().finish()),
        LogFormat::Text => Box::new(log.fmt_fields(format::debug_fn(field).delimited(" ")).finish()),
    }
}

/// A field as text, on one line and with nothing in it that steers a terminal.
fn field(to: &mut format::Writer<'_>, field: &Field, value: &dyn Debug) -> Result {
    if field.name() != "message" {
        write!(to, "{}=", field.name())?;
    }
    to.write_str(&printable(&format!("{value:?}"), &[]))
}

/// What others said, with nothing in it that steers the terminal of whoever reads it, but for what `stays`.
pub(crate) fn printable(text: &str, stays: &[char]) -> String {
    let steers = |c: char| c.is_control() && !stays.contains(&c);
    let written = |c: char| if steers(c) { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(written).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_others_said_does_not_steer_the_terminal_of_who_reads_the_log() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let (written, said) = (Written::default(), "a\u{1b}[31mb\u{1b}]0;title\u{7}c");
            let to = written.clone();
            let log = log(format, EnvFilter::new("info"), move || to.clone(), false);
            tracing::subscriber::with_default(log, || tracing::warn!(error = %said, said, "it said {said}"));
            let written = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
            assert!(written.contains("title") && !written.contains(['\u{1b}', '\u{7}']), "{written:?}");
        }
    }

    #[test]
    fn what_was_pushed_does_not_steer_the_terminal_of_who_pushed_it() {
        let problem = "“a\u{1b}[31m\u{9b}b” isn't a name: é.";
        assert_eq!(printable(problem, &['\n']), r"“a\u{1b}[31m\u{9b}b” isn't a name: é.");
        assert_eq!((&*printable("a\nb", &['\n']), &*printable("a\nb", &[])), ("a\nb", r"a\nb"));
    }
}
