//! Brings what is on the page to what the server has drawn anew, changing only what differs: what a person has opened, focused or
//! scrolled stays so.

use wasm_bindgen::JsCast;
use web_sys::{CharacterData, DomParser, Element, HtmlElement, Node, SupportedType};

/// The attribute that says which thing of a list an element is, so that it is found again where the list has changed.
const KEY: &str = "data-key";

/// Makes the children of `element`, within its island's own element, those of `drawing`, which is HTML as the server renders it.
pub(super) fn redraw(element: &HtmlElement, drawing: &str) {
    if let Some(wanted) = parsed(drawing) {
        patch_children(&place_in(element), &wanted);
    }
}

/// Where the children that the server drew stand in an island's element.
pub(super) fn place_in(element: &HtmlElement) -> Element {
    let place = element.query_selector("leptos-children").ok().flatten();
    place.unwrap_or_else(|| element.clone().unchecked_into())
}

/// A drawing's nodes, in a document of their own, where no script runs.
pub(super) fn parsed(drawing: &str) -> Option<HtmlElement> {
    DomParser::new().ok()?.parse_from_string(drawing, SupportedType::TextHtml).ok()?.body()
}

/// Makes the children of `place` those of `wanted`, which is left with fewer.
pub(super) fn patch_children(place: &Node, wanted: &Node) {
    let mut at = place.first_child();
    let mut next = wanted.first_child();
    while let Some(want) = next {
        next = want.next_sibling();
        if let Some(found) = found(at.as_ref(), &want) {
            if at.as_ref() == Some(&found) {
                at = found.next_sibling();
            } else {
                place.insert_before(&found, at.as_ref()).ok();
            }
            patch(&found, &want);
        } else {
            place.insert_before(&want, at.as_ref()).ok();
        }
    }
    while let Some(left) = at {
        at = left.next_sibling();
        place.remove_child(&left).ok();
    }
}

/// The node, from `at` on, that already is what is wanted: the same thing of a list, or else the same sort of node in the same place.
fn found(at: Option<&Node>, want: &Node) -> Option<Node> {
    let Some(wanted) = key(want) else {
        return at.filter(|at| at.node_name() == want.node_name() && key(at).is_none()).cloned();
    };
    let mut here = at.cloned();
    while let Some(node) = here {
        if key(&node).as_ref() == Some(&wanted) && node.node_name() == want.node_name() {
            return Some(node);
        }
        here = node.next_sibling();
    }
    None
}

fn key(node: &Node) -> Option<String> {
    node.dyn_ref::<Element>()?.get_attribute(KEY)
}

fn patch(here: &Node, want: &Node) {
    match (here.dyn_ref::<Element>(), want.dyn_ref::<Element>()) {
        (Some(here), Some(want)) => {
            patch_attributes(here, want);
            patch_children(here, want);
        }
        _ => {
            if let (Some(here), Some(want)) =
                (here.dyn_ref::<CharacterData>(), want.dyn_ref::<CharacterData>())
                && here.data() != want.data()
            {
                here.set_data(&want.data());
            }
        }
    }
}

fn patch_attributes(here: &Element, want: &Element) {
    for name in names(want) {
        let value = want.get_attribute(&name);
        if value != here.get_attribute(&name) && !is_the_readers(here, want, &name) {
            here.set_attribute(&name, &value.unwrap_or_default()).ok();
        }
    }
    for name in names(here) {
        if !want.has_attribute(&name) && !is_the_readers(here, want, &name) {
            here.remove_attribute(&name).ok();
        }
    }
}

/// Whether a details element is open is the reader's choice, until the server wants it otherwise than it did.
fn is_the_readers(here: &Element, want: &Element, name: &str) -> bool {
    name == "open" && here.get_attribute("data-open") == want.get_attribute("data-open")
}

fn names(element: &Element) -> Vec<String> {
    element.get_attribute_names().iter().filter_map(|name| name.as_string()).collect()
}
