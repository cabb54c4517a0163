//! `Filler`: an array variable that a loop fills for each of its turns. An element that holds the value already is not
//! set again, provided that nobody else has written or unset it: a trace of ours on the element tells. It must not
//! know which elements there are.
//!
//! What makes that right:
//! * only a variable of the running procedure or of the global namespace itself is watched, no link to another: its name
//!   leads to no other variable before it is unset, and then the traces tell that they are gone. The end of the
//!   procedure's frame does the same;
//! * a variable that a script traces is left alone: whoever traces writes wants to see each;
//! * what was set is believed only if Tcl gives back that very value: a trace that came later may have put another one.

use crate::fence::{fenced, told};
use crate::interp::trace_words;
use crate::wall::behind;
use crate::{sys, Interp, Obj, Raise};
use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::rc::Rc;

/// So many turns pass before anything is looked at. To watch three elements takes what fifty turns save: a loop that ends
/// just then has lost 3 %, and one of 260 turns nothing.
const FIRST: u64 = 200;
/// An element is watched when it has kept its value for so many turns.
const RUN: u64 = 8;
/// To set a watched element costs as much more as so many that need not be set save.
const PRICE: i64 = 4;
/// What a watch may lose in a row before it is given up.
const CREDIT: i64 = 32;

/// What the trace on an element knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// The element is as we have set it.
    Ours,
    /// Somebody has written it.
    Touched,
    /// The element was unset, and the trace with it.
    Gone,
}

/// Writes and the end of an element are told.
const TOLD: c_int = sys::TRACE_WRITES | sys::TRACE_UNSETS;

/// A trace on one element. It has a reference to the mark of its own, which it gives back when it ends: so it may stay
/// longer than this does.
struct Watch {
    interp: Interp,
    array: Obj,
    element: Obj,
    mark: Rc<Cell<Mark>>,
    /// What we have set last. The reference keeps another value from having its address.
    last: Obj,
}

impl Watch {
    /// Is this value in the element now? Then it need not be set.
    #[inline(always)]
    fn holds(&self, value: &Obj) -> bool {
        self.last.raw() == value.raw() && self.mark.get() == Mark::Ours
    }

    /// Puts the trace on an element that was set to `value` (`Tcl_TraceVar2`). None where Tcl refuses.
    fn put(interp: &Interp, array: &Obj, element: &Obj, value: &Obj) -> Option<Watch> {
        let raw = interp.raw();
        if raw.is_null() {
            return None;
        }
        let mark = Rc::new(Cell::new(Mark::Ours));
        let data = Rc::into_raw(mark.clone()).cast_mut().cast::<c_void>();
        // SAFETY: a live interpreter; both texts are NUL-terminated by Tcl and stay as long as their values. The data is
        // a reference that `on_touch` gives back when the trace ends with its variable, and `drop` when it takes the
        // trace away. No script runs.
        let code = unsafe {
            let (array, element) = (sys::Tcl_GetString(array.raw()), sys::Tcl_GetString(element.raw()));
            sys::Tcl_TraceVar2(raw, array, element, TOLD, on_touch, data)
        };
        if code != sys::OK {
            // SAFETY: there is no trace, so the reference is still ours.
            drop(unsafe { Rc::from_raw(data.cast::<Cell<Mark>>()) });
            return None;
        }
        // A trace on an element that was set later may have changed this one: then it is set anew next time.
        // SAFETY: a live interpreter and two values that our references keep; flag 0 leaves no message.
        let now = behind(|| unsafe { sys::Tcl_ObjGetVar2(raw, array.raw(), element.raw(), 0) });
        if now != value.raw() {
            mark.set(Mark::Touched);
        }
        Some(Watch {
            interp: interp.clone(),
            array: array.clone(),
            element: element.clone(),
            mark,
            last: value.clone(),
        })
    }

    /// Takes the trace away, if its element is still found by its name.
    fn take_away(&self) {
        let raw = self.interp.raw();
        if self.mark.get() == Mark::Gone || raw.is_null() {
            return;
        }
        let ours = Rc::as_ptr(&self.mark).cast_mut().cast::<c_void>();
        let mut found = ptr::null_mut();
        // SAFETY: a live interpreter; both texts as in `put`. No script runs in any of the calls. Only if our trace is
        // there is it taken away, which does not call `on_touch`: so the reference that it has had is given back once.
        unsafe {
            let (array, element) = (
                sys::Tcl_GetString(self.array.raw()),
                sys::Tcl_GetString(self.element.raw()),
            );
            // An inner loop over the same array has traces beside ours.
            loop {
                found = sys::Tcl_VarTraceInfo2(raw, array, element, 0, on_touch, found);
                if found.is_null() {
                    return;
                }
                if found == ours {
                    break;
                }
            }
            sys::Tcl_UntraceVar2(raw, array, element, TOLD, on_touch, ours);
            drop(Rc::from_raw(ours.cast::<Cell<Mark>>()));
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Fenced, because it may be dropped while a panic unwinds: a second one would end the process.
        fenced(|| {
            self.take_away();
            #[cfg(feature = "plant")]
            plant::point("drop_Watch");
        });
    }
}

/// A watched element is written or unset.
unsafe extern "C" fn on_touch(
    data: *mut c_void,
    _interp: *mut sys::TclInterp,
    _array: *const c_char,
    _element: *const c_char,
    flags: c_int,
) -> *mut c_char {
    let mark = data.cast::<Cell<Mark>>().cast_const();
    let gone = flags & sys::TRACE_DESTROYED != 0;
    // SAFETY: the trace has a reference of its own, so the mark is alive; it is a cell of this thread.
    // First: nothing may keep it from being known.
    unsafe { (*mark).set(if gone { Mark::Gone } else { Mark::Touched }) };
    #[cfg(feature = "plant")]
    if !gone && plant::hit("missed_touch") {
        // SAFETY: as above.
        unsafe { (*mark).set(Mark::Ours) };
    }
    told(None, || {
        #[cfg(feature = "plant")]
        plant::point("on_touch");
    });
    if gone {
        // SAFETY: Tcl says once that a trace is destroyed, and not of one that was taken away: its reference goes.
        // Nothing is dropped in it that could fail.
        drop(unsafe { Rc::from_raw(mark) });
    }
    // No complaint: the write stands.
    ptr::null_mut()
}

/// An element whose value is often the same as the last time.
struct Slot {
    /// Where it is among the elements.
    at: usize,
    /// Its value at the first of two looks.
    seen: Option<Obj>,
    watch: Option<Watch>,
    /// What the watch may still lose.
    credit: i64,
    /// When it was set last.
    turn: u64,
}

/// Fills one array variable again and again. When it is dropped the traces that it has put are gone.
pub struct Filler<const N: usize> {
    /// Where the elements are that often keep their value.
    places: [usize; N],
    turns: u64,
    /// Nothing until it may pay.
    slots: Option<Box<Slots<N>>>,
}

impl<const N: usize> Filler<N> {
    /// For an array whose elements at these places, in rising order, often keep their value. The elements are given
    /// in the same order each time.
    pub fn new(places: [usize; N]) -> Filler<N> {
        Filler {
            places,
            turns: 0,
            slots: None,
        }
    }

    /// Sets elements of the array variable `array` in the running procedure, as [`Interp::set_elements`] does, but not
    /// those that are known to hold this very value. It is the same array each time.
    ///
    /// # Errors
    /// As there.
    #[inline(always)]
    pub fn fill(&mut self, interp: &Interp, array: &Obj, elements: &[(&Obj, &Obj)]) -> Result<(), Raise> {
        self.turns += 1;
        match &mut self.slots {
            Some(slots) => slots.fill(self.turns, array, elements),
            None => {
                interp.set_elements(array, elements)?;
                if self.turns == FIRST {
                    self.slots = Some(Slots::new(interp, self.places));
                }
                Ok(())
            }
        }
    }
}

/// The elements that often keep their value.
struct Slots<const N: usize> {
    slots: [Slot; N],
    /// How many are watched.
    watched: usize,
    /// The turn in which those that are not watched are looked at next.
    look: u64,
    interp: Interp,
}

impl<const N: usize> Slots<N> {
    #[cold]
    fn new(interp: &Interp, places: [usize; N]) -> Box<Slots<N>> {
        Box::new(Slots {
            slots: places.map(|at| Slot {
                at,
                seen: None,
                watch: None,
                credit: 0,
                turn: 0,
            }),
            watched: 0,
            look: 0,
            interp: interp.clone(),
        })
    }

    #[inline]
    fn fill(&mut self, turn: u64, array: &Obj, elements: &[(&Obj, &Obj)]) -> Result<(), Raise> {
        if self.watched == 0 {
            self.interp.set_elements(array, elements)?;
        } else {
            self.fill_watched(turn, array, elements)?;
        }
        if turn >= self.look {
            self.look_at(turn, array, elements);
        }
        Ok(())
    }

    fn fill_watched(&mut self, turn: u64, array: &Obj, elements: &[(&Obj, &Obj)]) -> Result<(), Raise> {
        self.interp.live()?;
        let (interp, slots) = (&self.interp, &self.slots);
        // A bit for each slot that was set.
        let set = behind(|| {
            let (mut set, mut bit) = (0u32, 1u32);
            let mut rest = slots.iter();
            let mut next = rest.next();
            for (at, (name, value)) in elements.iter().enumerate() {
                let (mut watch, mut mine) = (None, 0);
                if let Some(slot) = next.filter(|slot| slot.at == at) {
                    (watch, mine) = (slot.watch.as_ref(), bit);
                    bit <<= 1;
                    next = rest.next();
                    // Asked only now: a trace on an element before it may have written this one.
                    if watch.is_some_and(|watch| watch.holds(value)) {
                        continue;
                    }
                }
                let raw = interp.raw();
                if raw.is_null() {
                    return None;
                }
                // SAFETY: a live interpreter and three values that our references keep.
                let now = unsafe { sys::Tcl_ObjSetVar2(raw, array.raw(), name.raw(), value.raw(), sys::LEAVE_ERR_MSG) };
                if now.is_null() {
                    return None;
                }
                if let Some(watch) = watch {
                    set |= mine;
                    // Our own writing has told the trace as well.
                    if now == value.raw() && watch.mark.get() == Mark::Touched {
                        watch.mark.set(Mark::Ours);
                    }
                }
            }
            Some(set)
        });
        let Some(set) = set else {
            // Some elements are set and some are not.
            self.let_go();
            self.interp.live()?;
            return Err(Raise::from_interp());
        };
        self.settle(turn, elements, set);
        Ok(())
    }

    /// Remembers what was set, and gives up what does not pay.
    #[inline(always)]
    fn settle(&mut self, turn: u64, elements: &[(&Obj, &Obj)], set: u32) {
        if set == 0 {
            return;
        }
        for (n, slot) in self.slots.iter_mut().enumerate() {
            let Some(watch) = slot.watch.as_mut().filter(|_| set & (1 << n) != 0) else {
                continue;
            };
            if let Some((_, value)) = elements.get(slot.at) {
                watch.last = (*value).clone();
            }
            // What it has saved since it was set last, and what it costs now.
            let saved = i64::try_from(turn.saturating_sub(slot.turn + 1)).unwrap_or(CREDIT);
            slot.credit = slot.credit.saturating_add(saved).min(CREDIT) - PRICE;
            slot.turn = turn;
            if slot.credit < 0 || watch.mark.get() == Mark::Gone {
                slot.watch = None;
                self.watched -= 1;
                // Also where all were watched, and none was to be looked at.
                self.look = turn * 2;
            }
        }
    }

    /// Looks for elements that have kept their value, twice: what is there, and some turns later whether it still is.
    #[cold]
    fn look_at(&mut self, turn: u64, array: &Obj, elements: &[(&Obj, &Obj)]) {
        let second = self.slots.iter().any(|s| s.watch.is_none() && s.seen.is_some());
        let (interp, words, mut may) = (&self.interp, trace_words(), None);
        for slot in self.slots.iter_mut().filter(|slot| slot.watch.is_none()) {
            let Some((name, value)) = elements.get(slot.at) else {
                continue;
            };
            if !second {
                slot.seen = Some((*value).clone());
                continue;
            }
            if slot.seen.take().is_some_and(|seen| seen.raw() == value.raw())
                && *may.get_or_insert_with(|| interp.is_plain(&words, array))
                && !interp.is_traced(&words, &Obj::element_name(array, name))
            {
                slot.watch = Watch::put(interp, array, name, value);
                if slot.watch.is_some() {
                    slot.credit = CREDIT;
                    slot.turn = turn;
                    self.watched += 1;
                }
            }
        }
        self.look = match (second, may) {
            (false, _) => turn + RUN,
            // It will not become one.
            (true, Some(false)) => u64::MAX,
            (true, _) if self.watched == N => u64::MAX,
            (true, _) => turn * 2,
        };
    }

    /// Takes all traces away. The error that is on its way through the interpreter stays as it is: to look for an element
    /// that is not there sets an error code.
    fn let_go(&mut self) {
        if self.watched == 0 {
            return;
        }
        self.watched = 0;
        self.interp.keeping_state(|| {
            for slot in &mut self.slots {
                slot.watch = None;
            }
        });
    }
}

impl<const N: usize> Drop for Slots<N> {
    fn drop(&mut self) {
        // Fenced, because it may be dropped while a panic unwinds: a second one would end the process.
        fenced(|| {
            self.let_go();
            #[cfg(feature = "plant")]
            plant::point("drop_Slots");
        });
    }
}
