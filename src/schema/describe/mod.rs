//! A sentence for each field: its own, or one made of its name and its type. Customers read them in the
//! description of the API.
//!
//! A sentence that is made has to be English whatever the name is, so a word is only bent where its form gives it
//! away: a participle (`placed_at`), a preposition (`placed_by`), a word of the lists in [`words`].

mod words;

use self::words::{
    capitals, ends_like_a_noun, is_adjective, is_adverb, is_intransitive, is_participle, is_preposition, verb_of,
};
use super::names;
use super::resource::Field;
use super::types::Type;

/// The longest description that is written by hand, in characters.
pub(super) const MAX_DOC: usize = 200;

/// A text as a sentence: with an end, where it has none.
pub fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?', '…']) { text.to_owned() } else { format!("{text}.") }
}

/// The resource that a field belongs to, in words.
pub(super) struct FieldOwner<'a> {
    pub name: &'a str,
    pub plural: &'a str,
    /// Whether the field is the one that says whose the resource is.
    pub owner: bool,
}

/// What a field is, in a sentence.
pub(super) fn doc(field: &Field, of: &FieldOwner) -> String {
    if let Some(own) = &field.doc {
        return own.clone();
    }
    let made = match &field.kind {
        Type::Bool => whether(&field.name, of),
        Type::DateTime => moment(&field.name, of, true),
        Type::Date => moment(&field.name, of, false),
        Type::Ref(target) => id_of(&field.name, target, of),
        _ => format!("The {} {}.", possessive(of.name), capitals(&field.name)),
    };
    if field.private { format!("{made} Never returned.") } else { made }
}

/// What a listing that is narrowed to a value of the field has.
pub(super) fn filter_doc(field: &Field, of: &FieldOwner) -> String {
    let all = format!("Return only {}", capitals(of.plural));
    let parts: Vec<&str> = field.name.split('_').collect();
    match &field.kind {
        Type::Bool => {
            let parts = if verb_of(parts[0]).is_some() && parts.len() > 1 { &parts[1..] } else { &parts };
            format!("{all} whose {} flag equals this value.", capitals(&parts.join("_")))
        }
        Type::Ref(_) if of.owner => format!("{all} owned by this account."),
        Type::Ref(target) => match parts.as_slice() {
            [_, .., last] if is_preposition(last) => format!("{all} {} this {}.", capitals(&field.name), words(target)),
            [only] if is_preposition(only) => format!("{all} with this {}.", words(target)),
            _ => format!("{all} with this {}.", capitals(&field.name)),
        },
        Type::DateTime | Type::Date => {
            let (thing, zone) = if field.kind == Type::Date { ("date", "") } else { ("time", " (UTC)") };
            match &Moment::read(&field.name) {
                Moment::Done { subject: None, participle, .. } => {
                    let at = if field.kind == Type::Date { "on" } else { "at" };
                    format!("{all} {participle} {at} this {thing}{zone}.")
                }
                Moment::Thing(_) => {
                    format!("{all} whose {}{zone} equals this value.", noun_of_moment(&field.name, thing))
                }
                _ => format!("{all} for which `{}`{zone} equals this value.", field.name),
            }
        }
        _ => format!("{all} whose {} equals this value.", capitals(&field.name)),
    }
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// `order's`; `news'`, which is its own plural.
fn possessive(name: &str) -> String {
    let words = capitals(name);
    if name.ends_with('s') && names::plural_of(name) == name { format!("{words}'") } else { format!("{words}'s") }
}

/// With its article, unless there is none: `a gift`, `attachments`, `news`.
fn some(name: &str) -> String {
    let last = name.rsplit('_').next().unwrap_or(name);
    if names::plural_of(last) == last || words::is_uncountable(last) {
        capitals(name)
    } else {
        format!("{} {}", names::article(name), capitals(name))
    }
}

fn whether(name: &str, of: &FieldOwner) -> String {
    let thing = words(of.name);
    let parts: Vec<&str> = name.split('_').collect();
    let last = parts[parts.len() - 1];
    if let (Some(verb), true) = (verb_of(parts[0]), parts.len() > 1) {
        let rest = parts[1..].join("_");
        return match verb {
            "is" | "was" if ends_like_a_noun(last) && !is_preposition(parts[1]) => {
                format!("Whether the {thing} {verb} {}.", some(&rest))
            }
            // What it has is a thing; what it has done is not.
            "has" if !is_participle(parts[1]) && parts[1] != "no" => {
                format!("Whether the {thing} has {}.", some(&rest))
            }
            _ => format!("Whether the {thing} {verb} {}.", capitals(&rest)),
        };
    }
    let state = is_adjective(last) || is_participle(last);
    match parts.as_slice() {
        [_] if state => format!("Whether the {thing} is {}.", capitals(name)),
        [first, ..] if parts.len() > 1 && (is_preposition(first) || (state && is_adverb(first))) => {
            format!("Whether the {thing} is {}.", capitals(name))
        }
        [subject @ .., _] if state => {
            format!("Whether the {} {} is {}.", possessive(of.name), capitals(&subject.join("_")), capitals(last))
        }
        _ if ends_like_a_noun(last) => format!("Whether the {thing} is {}.", some(name)),
        _ => format!("Whether `{name}` is set for the {thing}."),
    }
}

/// What a date or a time is of, by its name.
enum Moment {
    /// `placed_at`, `last_seen`, `email_verified_at`, of which the email is the subject.
    Done { subject: Option<String>, verb: &'static str, participle: String },
    /// `expires_at`.
    Does(String),
    /// `blocked_until`.
    Until(String),
    /// `due`, `birth_date`.
    Thing(String),
}

impl Moment {
    fn read(name: &str) -> Self {
        let mut parts: Vec<&str> = name.split('_').collect();
        let ending = match parts.as_slice() {
            [_, .., last] if ["at", "on", "until"].contains(last) => parts.pop(),
            _ => None,
        };
        let last = parts[parts.len() - 1];
        let (adverbs, rest): (&[&str], &[&str]) = match parts.iter().position(|part| !is_adverb(part)) {
            Some(at) => parts.split_at(at),
            None => (&parts, &[]),
        };
        if is_participle(last) && !rest.is_empty() {
            let participle = adverbs.iter().chain([&last]).copied().collect::<Vec<_>>().join(" ");
            let subject = &rest[..rest.len() - 1];
            if ending == Some("until") {
                return if subject.is_empty() { Self::Until(participle) } else { Self::Thing(parts.join("_")) };
            }
            let verb = if is_intransitive(last) { "" } else { "was " };
            let subject = (!subject.is_empty()).then(|| subject.join("_"));
            return Self::Done { subject, verb, participle };
        }
        let does = ending == Some("at") && last.ends_with('s') && !last.ends_with("ss");
        if does { Self::Does(parts.join(" ")) } else { Self::Thing(parts.join("_")) }
    }
}

/// `due time`, `birth date`, `ship-by date`: a name that says already that it is one stays as it is.
fn noun_of_moment(name: &str, thing: &str) -> String {
    let Moment::Thing(name) = Moment::read(name) else { return capitals(name) };
    let last = name.rsplit('_').next().unwrap_or(&name);
    let said = ["date", "day", "time", "moment", "timestamp", "birthday", "deadline"].contains(&last);
    match (said, is_preposition(last)) {
        (true, _) => capitals(&name),
        (false, true) => format!("{} {thing}", name.replace('_', "-")),
        (false, false) => format!("{} {thing}", capitals(&name)),
    }
}

fn moment(name: &str, of: &FieldOwner, time: bool) -> String {
    let thing = words(of.name);
    let zone = if time { " (UTC)" } else { "" };
    match Moment::read(name) {
        Moment::Done { subject: None, verb, participle } => format!("When the {thing} {verb}{participle}{zone}."),
        Moment::Done { subject: Some(subject), verb, participle } => {
            format!("When the {} {} {verb}{participle}{zone}.", possessive(of.name), capitals(&subject))
        }
        Moment::Does(verb) => format!("When the {thing} {verb}{zone}."),
        Moment::Until(participle) => format!("Until when the {thing} is {participle}{zone}."),
        Moment::Thing(_) => {
            let noun = noun_of_moment(name, if time { "time" } else { "date" });
            format!("The {} {noun}{zone}.", possessive(of.name))
        }
    }
}

fn id_of(name: &str, target: &str, of: &FieldOwner) -> String {
    let (thing, target_words) = (words(of.name), words(target));
    if of.owner {
        return format!("ID of the account that owns the {thing}.");
    }
    let parts: Vec<&str> = name.split('_').collect();
    match parts.as_slice() {
        // A comment that answers one, and is called by it.
        _ if name == target && name == of.name => format!("ID of another {thing}."),
        [only] if is_preposition(only) => format!("ID of the {target_words}."),
        [before @ .., last] if is_preposition(last) => {
            let verb = if before.last().is_some_and(|word| is_participle(word)) { "was " } else { "" };
            let done = verb.is_empty() && !before.last().is_some_and(|word| word.ends_with('s'));
            if done {
                return format!("ID of the {target_words}.");
            }
            format!("ID of the {target_words} that the {thing} {verb}{}.", words(name))
        }
        _ => format!("ID of the {}.", capitals(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(spec: &str) -> Field {
        let mut drafts = crate::schema::Drafts::default();
        drafts.flag(1, &format!("order {spec} rest:bool"));
        drafts.flag(2, "person rest:bool");
        drafts.flag(3, "product rest:bool");
        crate::schema::check(drafts, &crate::schema::Surroundings::default()).unwrap().remove(0).fields.remove(0)
    }

    const ORDER: FieldOwner = FieldOwner { name: "order", plural: "orders", owner: false };

    #[test]
    fn a_field_is_described_by_its_type_and_the_form_of_its_name() {
        for (spec, made) in [
            ("status:text", "The order's status."),
            ("sku:string", "The order's SKU."),
            ("gift:bool", "Whether the order is a gift."),
            ("is_gift:bool", "Whether the order is a gift."),
            ("is_active:bool", "Whether the order is active."),
            ("is_vip:bool", "Whether the order is a VIP."),
            ("paid:bool", "Whether the order is paid."),
            ("fully_paid:bool", "Whether the order is fully paid."),
            ("in_stock:bool", "Whether the order is in stock."),
            ("is_in_stock:bool", "Whether the order is in stock."),
            ("email_verified:bool", "Whether the order's email is verified."),
            ("has_attachment:bool", "Whether the order has an attachment."),
            ("has_items:bool", "Whether the order has items."),
            ("has_shipped:bool", "Whether the order has shipped."),
            ("can_ship:bool", "Whether the order can ship."),
            ("needs_signature:bool", "Whether the order needs signature."),
            ("glorp:bool", "Whether `glorp` is set for the order."),
            ("gift_wrap:bool", "Whether `gift_wrap` is set for the order."),
            ("placed_at:datetime", "When the order was placed (UTC)."),
            ("sent:datetime", "When the order was sent (UTC)."),
            ("last_seen_at:datetime", "When the order was last seen (UTC)."),
            ("email_verified_at:datetime", "When the order's email was verified (UTC)."),
            ("expires_at:datetime", "When the order expires (UTC)."),
            ("expired_at:datetime", "When the order expired (UTC)."),
            ("blocked_until:datetime", "Until when the order is blocked (UTC)."),
            ("due:datetime", "The order's due time (UTC)."),
            ("due_at:datetime", "The order's due time (UTC)."),
            ("start_time:datetime", "The order's start time (UTC)."),
            ("ship_by:date", "The order's ship-by date."),
            ("due_date:date", "The order's due date."),
            ("birthday:date", "The order's birthday."),
            ("born:date", "When the order was born."),
            ("product:ref(product)", "ID of the product."),
            ("customer:ref(person)", "ID of the customer."),
            ("of:ref(product)", "ID of the product."),
            ("placed_by:ref(person)", "ID of the person that the order was placed by."),
            ("reports_to:ref(person)", "ID of the person that the order reports to."),
            ("order:ref(order)?", "ID of another order."),
            ("parent:ref(order)?", "ID of the parent."),
            ("born:date?:private", "When the order was born. Never returned."),
            ("note:text:private:doc=\"Internal; customers never see it\"", "Internal; customers never see it."),
        ] {
            assert_eq!(doc(&field(spec), &ORDER), made, "{spec}");
        }
        let owner = FieldOwner { owner: true, ..ORDER };
        assert_eq!(doc(&field("owner:ref(person)"), &owner), "ID of the account that owns the order.");
    }

    #[test]
    fn a_filter_is_described_by_what_the_listing_has() {
        for (spec, made) in [
            ("status:text", "Return only orders whose status equals this value."),
            ("is_gift:bool", "Return only orders whose gift flag equals this value."),
            ("gift:bool", "Return only orders whose gift flag equals this value."),
            ("product:ref(product)", "Return only orders with this product."),
            ("placed_by:ref(person)", "Return only orders placed by this person."),
            ("of:ref(product)", "Return only orders with this product."),
            ("placed_at:datetime", "Return only orders placed at this time (UTC)."),
            ("shipped_on:date", "Return only orders shipped on this date."),
            ("due:date", "Return only orders whose due date equals this value."),
            ("expires_at:datetime", "Return only orders for which `expires_at` (UTC) equals this value."),
        ] {
            assert_eq!(filter_doc(&field(spec), &ORDER), made, "{spec}");
        }
        let owner = FieldOwner { owner: true, ..ORDER };
        assert_eq!(filter_doc(&field("owner:ref(person)"), &owner), "Return only orders owned by this account.");
    }

    #[test]
    fn what_ends_in_s_has_its_own_possessive() {
        for (name, made) in [
            ("order", "order's"),
            ("address", "address's"),
            ("status", "status's"),
            ("news", "news'"),
            ("series", "series'"),
            ("order_item", "order item's"),
        ] {
            assert_eq!(possessive(name), made);
        }
    }

    #[test]
    fn a_text_becomes_a_sentence() {
        for (text, made) in
            [("A note", "A note."), (" A note. ", "A note."), ("Really?", "Really?"), ("A (b)", "A (b).")]
        {
            assert_eq!(sentence(text), made);
        }
    }
}
