use super::*;
use fairway_domain::{Components, ParametersDraft, Runtime};

const HOSTILE: [&str; 9] = [
    "",
    "takes \"orders\" and 'more'",
    "# no comment: {{ 7 * 7 }} {% raw %}",
    "back\\slash \\u0041 and ünïcödé 😀",
    "- a list? > or | a block",
    "*alias &anchor !!tag @at `tick`",
    "<script>alert(1)</script>",
    "line\u{2028}separator\u{feff}",
    "}} %} ''' \"\"\" $(id) ${HOME}",
];

fn images() -> BaseImages {
    BaseImages::in_registry("127.0.0.1:5000")
}

fn answers(runtime: Runtime, components: Components, description: &str, variables: &str) -> Parameters {
    let draft = ParametersDraft {
        name: "orders".to_owned(),
        team: "checkout".to_owned(),
        description: description.to_owned(),
        runtime: runtime.to_string(),
        variables: variables.to_owned(),
        redis: components.redis,
        metrics: components.metrics,
        ..ParametersDraft::sensible()
    };
    draft.parse().unwrap()
}

fn every_combination() -> impl Iterator<Item = (Runtime, Components)> {
    Runtime::ALL.into_iter().flat_map(|runtime| {
        [(false, false), (false, true), (true, false), (true, true)]
            .map(|(redis, metrics)| (runtime, Components { redis, metrics }))
    })
}

fn file<'a>(files: &'a [RenderedFile], path: &str) -> &'a RenderedFile {
    files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path}"))
}

fn paths(runtime: Runtime) -> Vec<String> {
    let parameters = answers(runtime, Components::default(), "", "");
    render(&parameters, &images()).unwrap().into_iter().map(|file| file.path).collect()
}

#[test]
fn a_runtime_gives_its_files_sorted_and_nothing_of_another() {
    let python = [
        ".dockerignore",
        ".gitignore",
        "Dockerfile",
        "README.md",
        "app/__init__.py",
        "app/__main__.py",
        "app/logs.py",
        "app/service.py",
        "fairway.yaml",
        "requirements.txt",
        "run",
        "tests/__init__.py",
        "tests/test_service.py",
    ];
    let go = [
        ".dockerignore",
        ".gitignore",
        "Dockerfile",
        "README.md",
        "fairway.yaml",
        "go.mod",
        "go.sum",
        "logs.go",
        "main.go",
        "run",
        "service.go",
        "service_test.go",
    ];
    assert_eq!(paths(Runtime::Python), python);
    assert_eq!(paths(Runtime::Go), go);
}

#[test]
fn every_combination_gives_a_fairway_yaml_that_its_own_schema_accepts() {
    for (runtime, components) in every_combination() {
        for description in HOSTILE {
            let parameters = answers(runtime, components, description, "A=1e3\nB=x: \"y\" # {{ z }}");
            let files = render(&parameters, &images()).unwrap();
            let text = &file(&files, "fairway.yaml").contents;
            let read = crate::check_fairway_yaml(text, &parameters.name)
                .unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
            assert_eq!(read.description, parameters.description);
            assert_eq!((read.runtime, read.components), (runtime, components));
            assert_eq!((read.port, read.replicas), (parameters.port, parameters.replicas));
            let variables: Vec<_> = read.variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            assert_eq!(variables, [("A", "1e3"), ("B", "x: \"y\" # {{ z }}")]);
        }
    }
}

#[test]
fn a_fairway_yaml_is_about_twenty_lines() {
    for (runtime, components) in every_combination() {
        let files = render(&answers(runtime, components, "x", ""), &images()).unwrap();
        let lines = file(&files, "fairway.yaml").contents.lines().count();
        assert!((15..=25).contains(&lines), "{lines}");
    }
}

#[test]
fn values_that_look_like_something_else_stay_the_same_text() {
    let values =
        ["6180689", "1e3", "007", "1.0", "yes", "0x10", "null", "~", "12:30:45", "", " x ", "-", "\\n", "'"];
    let variables: Vec<String> = values.iter().enumerate().map(|(i, v)| format!("V{i:02}={v}")).collect();
    let parameters = answers(Runtime::Go, Components::default(), "", &variables.join("\n"));
    let given: Vec<&str> = parameters.variables.iter().map(|variable| variable.value.as_str()).collect();
    let files = render(&parameters, &images()).unwrap();
    let yaml: serde_norway::Value = serde_norway::from_str(&file(&files, "fairway.yaml").contents).unwrap();
    let read: Vec<&str> =
        yaml["variables"].as_mapping().unwrap().values().map(|value| value.as_str().unwrap()).collect();
    assert_eq!(read, given);
}

#[test]
fn a_name_that_is_a_word_of_yaml_stays_a_name() {
    for name in ["yes", "null", "true", "n", "on"] {
        let mut parameters = answers(Runtime::Python, Components::default(), "", "");
        parameters.name = name.parse().unwrap();
        parameters.team = name.parse().unwrap();
        let files = render(&parameters, &images()).unwrap();
        let read =
            crate::check_fairway_yaml(&file(&files, "fairway.yaml").contents, &parameters.name).unwrap();
        assert_eq!((read.name.as_str(), read.team.as_str()), (name, name));
    }
}

/// The trap: embedding a folder loses its files' modes.
#[test]
fn what_starts_with_a_shebang_is_executable_and_nothing_else_is() {
    for (runtime, components) in every_combination() {
        for file in render(&answers(runtime, components, "", ""), &images()).unwrap() {
            assert_eq!(file.executable, file.contents.starts_with("#!"), "{}", file.path);
            assert_eq!(file.executable, file.path == "run", "{}", file.path);
        }
    }
}

#[test]
fn the_dockerfile_starts_from_the_given_images() {
    let images = BaseImages { python: "mirror/py:1".to_owned(), go_builder: "mirror/go:1".to_owned() };
    for (runtime, line) in
        [(Runtime::Python, "ARG BASE_PYTHON=mirror/py:1"), (Runtime::Go, "ARG BASE_GO_BUILDER=mirror/go:1")]
    {
        let files = render(&answers(runtime, Components::default(), "", ""), &images).unwrap();
        assert!(file(&files, "Dockerfile").contents.starts_with(line));
    }
}

#[test]
fn a_description_is_no_markup_in_the_readme() {
    let parameters =
        answers(Runtime::Go, Components::default(), "<img src=x onerror=alert(1)> [a](javascript:b)", "");
    let files = render(&parameters, &images()).unwrap();
    let readme = &file(&files, "README.md").contents;
    assert!(readme.contains(r"\<img src=x onerror=alert(1)\> \[a\](javascript:b)"), "{readme}");
}

#[test]
fn no_file_keeps_a_placeholder_and_each_ends_with_a_newline() {
    for (runtime, components) in every_combination() {
        for file in render(&answers(runtime, components, "x", "A=b"), &images()).unwrap() {
            assert!(!file.contents.contains("{%"), "{}", file.path);
            assert!(!file.contents.contains("{{ "), "{}", file.path);
            assert!(file.contents.is_empty() || file.contents.ends_with('\n'), "{}", file.path);
        }
    }
}
