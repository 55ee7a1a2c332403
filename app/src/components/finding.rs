//! The diagnosis: one cause, its evidence, who is affected, the next step.

use crate::{
    components::{self, command, time},
    model::FindingView,
};
use leptos::prelude::*;

/// A finding. `frozen` says that it was kept as it stood at a verdict, so no time runs on in it. `roll_back` is where the
/// service could go back to: service, environment, deploy and commit.
pub(crate) fn finding(
    finding: &FindingView,
    frozen: bool,
    roll_back: Option<(String, String, i64, String)>,
) -> impl IntoView + use<> {
    let last = finding.path.len().saturating_sub(1);
    let path = finding
        .path
        .iter()
        .enumerate()
        .map(|(place, object)| {
            view! {
                <span><span class="kind">{object.kind.clone()}</span> " " <b>{object.name.clone()}</b></span>
                {(place < last).then_some(" → ")}
            }
        })
        .collect_view();
    let evidence = finding
        .evidence
        .iter()
        .map(|evidence| {
            view! {
                <dt>{evidence.label.clone()}</dt>
                <dd><pre tabindex="0">{evidence.text.clone()}</pre></dd>
            }
        })
        .collect_view();
    view! {
        <section class="finding" aria-label="Diagnosis">
            <p class="cause">
                <span class="shape" aria-hidden="true">"▲"</span>
                <span>{finding.title.clone()}</span>
                {finding.since.filter(|_| !frozen).map(|at| view! { <span class="for">"for " {time::since(at)}</span> })}
            </p>
            <p class="path">{path}</p>
            <dl>{evidence}</dl>
            <p>{finding.impact.clone()}</p>
            <p class="next"><b>"Next: "</b>{finding.next.clone()}</p>
            {roll_back
                .map(|(service, environment, number, commit)| {
                    view! {
                        <p>{components::roll_back(&service, &environment, (number, commit))}</p>
                    }
                })}
            {command(finding.command.clone())}
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EvidenceView, ObjectView};

    #[test]
    fn what_a_log_said_is_text_wherever_it_stands() {
        let said = "<script>alert(1)</script>\" onload=\"x";
        let told = FindingView {
            title: said.into(),
            path: vec![ObjectView { kind: "Pod".into(), name: said.into() }],
            evidence: vec![EvidenceView { label: said.into(), text: said.into() }],
            impact: said.into(),
            next: said.into(),
            command: said.into(),
            since: None,
        };
        let html = Owner::new().with(|| finding(&told, true, None).to_html());
        assert!(!html.contains("<script"), "{html}");
        assert!(
            html.contains(r#"data-copy="&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&quot;x""#),
            "{html}"
        );
        assert_eq!(html.matches("&lt;script&gt;").count(), 8, "{html}");
    }
}
