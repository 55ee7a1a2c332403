use super::*;

fn shell(script: &str) -> Invocation {
    Invocation {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        environment: Vec::new(),
        withheld: None,
        limit: Duration::from_secs(20),
    }
}

#[tokio::test]
async fn both_streams_and_the_status_are_heard() {
    let invocation = shell("echo out; echo err >&2; exit 3");
    let answer = invocation.start().unwrap().answer(&invocation).await.unwrap();
    assert_eq!(
        (answer.output.as_str(), answer.errors.as_str(), answer.status.code()),
        ("out\n", "err\n", Some(3))
    );
}

#[tokio::test]
async fn every_line_is_passed_on_and_the_last_ones_are_kept() {
    let invocation = shell("for i in $(seq 1 50); do echo $i; done; printf 'no end'");
    let mut lines = Vec::new();
    let (status, tail) =
        invocation.start().unwrap().follow(&invocation, |line| lines.push(line)).await.unwrap();
    assert!(status.success());
    assert_eq!((lines.len(), tail.len()), (51, TAIL_LINES));
    assert_eq!((lines[0].as_str(), tail[TAIL_LINES - 1].as_str()), ("1", "no end"));
}

#[tokio::test]
async fn a_line_without_an_end_is_cut_instead_of_kept_in_memory() {
    let invocation = shell("head -c 100000 /dev/zero | tr '\\0' x");
    let mut longest = 0;
    invocation.start().unwrap().follow(&invocation, |line| longest = line.len().max(longest)).await.unwrap();
    assert_eq!(longest as u64, LINE_LIMIT);
}

#[tokio::test]
async fn what_takes_too_long_is_ended() {
    let invocation = Invocation { limit: Duration::from_millis(200), ..shell("sleep 60") };
    let running = invocation.start().unwrap();
    let pid = running.group().unwrap();
    let error = running.answer(&invocation).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    for _ in 0..100 {
        if rustix::process::test_kill_process_group(pid).is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it lives");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let invocation = Invocation { program: "/nonexistent/helm".into(), ..shell("") };
    let error = invocation.start().unwrap_err().to_string();
    assert!(error.contains("/nonexistent/helm"), "{error}");
}

#[tokio::test]
async fn what_is_withheld_does_not_reach_the_child_but_what_is_set_does() {
    let mut invocation = shell("echo ${HOME-none} ${CARGO_MANIFEST_DIR-none}");
    invocation.withheld = Some("CARGO_");
    invocation.environment = vec![("HOME", "/set".into())];
    let answer = invocation.start().unwrap().answer(&invocation).await.unwrap();
    assert_eq!(answer.output, "/set none\n");
}
