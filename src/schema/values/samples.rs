//! Texts and numbers as a customer would write them, by the name of the field.

use super::FieldName;

/// Samples in a row without end, each another.
pub(super) enum Samples {
    /// These, and then these with a number.
    Listed(&'static [&'static str]),
    /// What stands before the number, and the first number.
    Numbered(String, u32),
    /// Digits of a hash.
    Digest,
}

impl Samples {
    /// For a field of a name that takes `max` characters; `usize::MAX` is a text of any length.
    pub fn of(name: FieldName, max: usize) -> Self {
        let parts: Vec<&str> = name.field.split('_').collect();
        let last = parts[parts.len() - 1];
        if last == "country" && max < 4 {
            return Self::Listed(&COUNTRY_CODES);
        }
        if let Some(listed) = listed(name.field, last) {
            return Self::Listed(listed);
        }
        match last {
            "sku" | "code" | "reference" | "serial" | "isbn" | "barcode" => Self::Numbered("AB-".into(), 1042),
            "number" if !["phone", "mobile", "fax"].contains(&parts[0]) => Self::Numbered("AB-".into(), 1042),
            "phone" | "mobile" | "fax" | "telephone" | "number" => Self::Numbered("+1 202 555 0".into(), 100),
            "zip" | "postcode" | "postal" => Self::Numbered(String::new(), 11421),
            "hash" | "digest" | "checksum" | "fingerprint" | "token" | "sha256" => Self::Digest,
            "name" if is_person(name.resource) => Self::Listed(&PEOPLE),
            "name" => Self::Listed(&THINGS),
            _ if max == usize::MAX => Self::Listed(&NOTES),
            _ => Self::numbered(name),
        }
    }

    /// `Shelf mark 1`, `Shelf mark 2` …
    pub fn numbered(name: FieldName) -> Self {
        Self::Numbered(format!("{} ", capitalised(name.field)), 1)
    }

    pub fn nth(&self, n: u32) -> String {
        match self {
            Self::Listed(all) => {
                let length = u32::try_from(all.len()).unwrap_or(1);
                let sample = all[(n % length) as usize];
                if n < length { sample.to_owned() } else { format!("{sample} {}", n / length + 1) }
            }
            Self::Numbered(before, first) => format!("{before}{}", u64::from(*first) + u64::from(n)),
            Self::Digest => format!("{:08x}", 0x9f86_d081_u32.wrapping_add(n)),
        }
    }

    /// What a sample is made longer with.
    pub fn more(&self) -> &'static str {
        match self {
            Self::Digest => "884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            Self::Listed(_) | Self::Numbered(..) => ", and more of the same",
        }
    }
}

fn listed(field: &str, last: &str) -> Option<&'static [&'static str]> {
    Some(match (field, last) {
        ("country_code", _) => &COUNTRY_CODES,
        ("first_name" | "given_name", _) => &["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald"],
        ("last_name" | "family_name", _) | (_, "surname") => {
            &["Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Knuth"]
        }
        ("full_name" | "display_name" | "author" | "contact_name", _) => &PEOPLE,
        (_, "title" | "subject" | "headline") => {
            &["Winter catalogue", "Delivery on Monday", "Price list", "Opening hours"]
        }
        (_, "username" | "login" | "nickname" | "nick" | "handle") => &["ada", "grace", "alan", "edsger", "barbara"],
        (_, "slug" | "path") => &["winter-catalogue", "price-list", "opening-hours", "about-us"],
        (_, "email") => &["ada@example.org", "grace@example.org", "alan@example.org", "edsger@example.org"],
        (_, "url" | "uri" | "link" | "website") => {
            &["https://example.org", "https://example.org/about", "https://example.org/prices"]
        }
        (_, "city" | "town") => &["Uppsala", "Bergen", "Turku", "Lyon", "Kyoto", "Boston"],
        (_, "country") => &["Sweden", "Norway", "Finland", "Germany", "France", "Japan"],
        (_, "region" | "state" | "province" | "county") => &["Uppland", "Vestland", "Bavaria", "Brittany", "Vermont"],
        (_, "street" | "address" | "line1" | "line2") => {
            &["12 Harbour Street", "3 Mill Lane", "48 Station Road", "7 Church Square"]
        }
        (_, "currency") => &["EUR", "SEK", "USD", "GBP", "JPY", "NOK"],
        (_, "language" | "locale" | "lang") => &["en", "sv", "de", "fr", "ja", "fi"],
        (_, "timezone" | "zone") => &["Europe/Stockholm", "Europe/Paris", "Asia/Tokyo", "America/New_York"],
        (_, "colour" | "color") => &["blue", "green", "red", "black", "white", "yellow"],
        (_, "unit") => &["kg", "piece", "litre", "metre", "box"],
        (_, "company" | "organization" | "organisation" | "brand" | "vendor" | "supplier") => {
            &["Harbour Trading", "North Mill", "Blue Door Books", "Station Bakery"]
        }
        (_, "status") => &["open", "done", "waiting", "closed"],
        (_, "category" | "tag" | "label" | "kind" | "type") => &["books", "garden", "kitchen", "office"],
        (_, "description" | "summary" | "about" | "bio") => {
            &["Oak table with two drawers", "Paper, 500 sheets", "A desk lamp that folds", "Wool blanket in blue"]
        }
        (
            _,
            "note" | "notes" | "comment" | "comments" | "remark" | "message" | "body" | "text" | "content"
            | "instructions",
        ) => &NOTES,
        (_, "reason") => &["Ordered twice", "Arrived too late", "Wrong size", "Not needed any more"],
        _ => return None,
    })
}

static PEOPLE: [&str; 6] =
    ["Ada Lovelace", "Grace Hopper", "Alan Turing", "Edsger Dijkstra", "Barbara Liskov", "Donald Knuth"];
static COUNTRY_CODES: [&str; 8] = ["SE", "NO", "FI", "DE", "FR", "GB", "US", "JP"];
static THINGS: [&str; 6] = ["Desk lamp", "Oak table", "Wool blanket", "Tea kettle", "Bookshelf", "Garden chair"];
static NOTES: [&str; 4] = [
    "Leave the parcel at the back door.",
    "Call before you deliver.",
    "The second drawer is stuck.",
    "Thank you for the quick reply.",
];

fn is_person(resource: &str) -> bool {
    let last = resource.rsplit('_').next().unwrap_or(resource);
    [
        "account", "author", "buyer", "client", "contact", "customer", "doctor", "driver", "employee", "guest", "lead",
        "member", "owner", "patient", "person", "player", "seller", "staff", "student", "teacher", "user", "worker",
    ]
    .contains(&last)
}

/// `Shelf mark` of `shelf_mark`.
fn capitalised(name: &str) -> String {
    let mut words = name.replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

/// The first whole number of a row.
pub(super) fn number(of: FieldName) -> i64 {
    match of.field.rsplit('_').next().unwrap_or(of.field) {
        "quantity" | "count" | "amount" | "seats" | "copies" => 3,
        "stock" => 25,
        "age" => 36,
        "year" => 2026,
        "percent" | "percentage" => 15,
        "cents" | "price" | "total" => 1990,
        "pages" => 320,
        "port" => 8080,
        "minutes" | "seconds" | "duration" => 45,
        _ => 1,
    }
}

/// The first decimal of a row, in hundredths.
pub(super) fn hundredths(of: FieldName) -> i64 {
    match of.field.rsplit('_').next().unwrap_or(of.field) {
        "rate" | "percent" | "percentage" | "tax" | "vat" | "discount" => 1250,
        "latitude" | "lat" => 5986,
        "longitude" | "lng" | "lon" => 1764,
        "weight" | "length" | "width" | "height" | "depth" => 125,
        _ => 1990,
    }
}

pub(super) fn email(n: u32) -> String {
    let names = ["ada", "grace", "alan", "edsger", "barbara", "donald"];
    let name = names[n as usize % names.len()];
    let round = n as usize / names.len();
    if round == 0 { format!("{name}@example.org") } else { format!("{name}{}@example.org", round + 1) }
}

pub(super) fn url(of: FieldName, n: u32) -> String {
    let last = of.field.rsplit('_').next().unwrap_or(of.field);
    match last {
        "photo" | "picture" | "avatar" | "logo" | "thumbnail" => {
            format!("https://example.org/images/{}.png", n + 1)
        }
        "website" | "homepage" | "site" if n == 0 => "https://example.org".into(),
        "website" | "homepage" | "site" => format!("https://shop{}.example.org", n + 1),
        _ => format!("https://example.org/{}/{}", of.resource.replace('_', "-"), n + 1),
    }
}
