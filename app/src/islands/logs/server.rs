//! On the server there is no page to act on.

use super::{Log, reading::Reading};
use leptos::{
    ev::{MouseEvent, PointerEvent},
    html,
    prelude::NodeRef,
};

impl Log {
    pub(super) fn clear(self) {}
    pub(super) fn redraw(self) {}
    pub(super) fn first_in_sight(self) -> usize {
        0
    }
    pub(super) fn inserted(self, _numbers: &[usize]) {}
    pub(super) fn scrolled(self) {}
    pub(super) fn clicked(self, _event: &MouseEvent) {}
    pub(super) fn mean(self, _number: Option<usize>) {}
    pub(super) fn look(self) {}
    pub(super) fn go_to(self, _at: i64) {}
    pub(super) fn remember(self) {}
}

impl Reading {
    pub(super) fn keep(self) {}
}

pub(super) fn listen(_log: Log, _filter: NodeRef<html::Input>, _keys: NodeRef<html::Details>) {}
pub(super) fn part(_event: &PointerEvent) -> f64 {
    0.0
}
pub(super) fn hold(_event: &PointerEvent) {}
