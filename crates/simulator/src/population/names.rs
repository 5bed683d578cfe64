//! Names from everywhere, with the letters that an address is made of.

use fastrand::Rng;

/// What a user is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    given: Part,
    /// `None` for people with one name.
    family: Option<Part>,
    order: Order,
}

/// A part of a name, as written and as it stands in an address.
type Part = (&'static str, &'static str);

#[derive(Clone, Copy, Debug)]
enum Order {
    GivenFirst,
    /// As in Chinese, without a space.
    FamilyFirst,
}

impl Name {
    pub(super) fn pick(rng: &mut Rng, oddities: bool) -> Self {
        if oddities && rng.u8(..) < 6 {
            let given = ONE_NAME[rng.usize(..ONE_NAME.len())];
            return Self {
                given,
                family: None,
                order: Order::GivenFirst,
            };
        }
        let culture = &CULTURES[rng.usize(..CULTURES.len())];
        Self {
            given: culture.given[rng.usize(..culture.given.len())],
            family: Some(culture.family[rng.usize(..culture.family.len())]),
            order: culture.order,
        }
    }

    pub(super) fn write_full(&self, out: &mut String) {
        match (self.family, self.order) {
            (None, _) => out.push_str(self.given.0),
            (Some(family), Order::GivenFirst) => {
                out.push_str(self.given.0);
                out.push(' ');
                out.push_str(family.0);
            }
            (Some(family), Order::FamilyFirst) => {
                out.push_str(family.0);
                out.push_str(self.given.0);
            }
        }
    }

    pub(super) fn first(&self) -> &'static str {
        self.given.0
    }

    pub(super) fn last(&self) -> &'static str {
        self.family.map_or("", |family| family.0)
    }

    pub(super) fn write_ascii(&self, out: &mut String, separator: char) {
        out.push_str(self.given.1);
        out.push(separator);
        if let Some(family) = self.family {
            out.push_str(family.1);
            out.push(separator);
        }
    }
}

struct Culture {
    given: &'static [Part],
    family: &'static [Part],
    order: Order,
}

const ONE_NAME: [Part; 4] = [
    ("Björk", "bjork"),
    ("Suharto", "suharto"),
    ("Ananya", "ananya"),
    ("Пеле", "pele"),
];

const CULTURES: [Culture; 9] = [
    Culture {
        given: &[
            ("Siobhán", "siobhan"),
            ("Pádraig", "padraig"),
            ("Aoife", "aoife"),
            ("Conor", "conor"),
        ],
        family: &[
            ("O'Brien", "o'brien"),
            ("Murphy", "murphy"),
            ("Ní Dhomhnaill", "nidhomhnaill"),
            ("Mac Giolla Phádraig", "macgiollaphadraig"),
        ],
        order: Order::GivenFirst,
    },
    Culture {
        given: &[
            ("Emma", "emma"),
            ("Jack", "jack"),
            ("Mary Ann", "maryann"),
            ("Noah", "noah"),
        ],
        family: &[
            ("Smith", "smith"),
            ("Jones", "jones"),
            ("Taylor-Wood", "taylor-wood"),
            ("Brown", "brown"),
        ],
        order: Order::GivenFirst,
    },
    Culture {
        given: &[
            ("María del Carmen", "maria"),
            ("José", "jose"),
            ("Íñigo", "inigo"),
        ],
        family: &[
            ("García Márquez", "garcia"),
            ("de la Fuente", "delafuente"),
            ("Núñez", "nunez"),
        ],
        order: Order::GivenFirst,
    },
    Culture {
        given: &[
            ("Jürgen", "juergen"),
            ("Anne-Sophie", "anne-sophie"),
            ("Zoë", "zoe"),
        ],
        family: &[
            ("Müller", "mueller"),
            ("von der Heide", "vonderheide"),
            ("Groß", "gross"),
        ],
        order: Order::GivenFirst,
    },
    Culture {
        given: &[("Nguyễn", "nguyen"), ("Trần", "tran"), ("Phạm", "pham")],
        family: &[
            ("Văn An", "vanan"),
            ("Thị Hồng Nhung", "thihongnhung"),
            ("Đức", "duc"),
        ],
        order: Order::GivenFirst,
    },
    Culture {
        given: &[("伟", "wei"), ("芳", "fang"), ("小明", "xiaoming")],
        family: &[("王", "wang"), ("李", "li"), ("欧阳", "ouyang")],
        order: Order::FamilyFirst,
    },
    Culture {
        given: &[
            ("محمد", "mohammed"),
            ("فاطمة", "fatima"),
            ("عبد الرحمن", "abdulrahman"),
        ],
        family: &[("الخطيب", "alkhatib"), ("حداد", "haddad")],
        order: Order::GivenFirst,
    },
    Culture {
        given: &[
            ("Agnieszka", "agnieszka"),
            ("Łukasz", "lukasz"),
            ("Дмитрий", "dmitri"),
        ],
        family: &[
            ("Wiśniewska", "wisniewska"),
            ("Żółć", "zolc"),
            ("Достоевский", "dostojewski"),
        ],
        order: Order::GivenFirst,
    },
    Culture {
        given: &[
            ("Priya", "priya"),
            ("Oluwaseun", "oluwaseun"),
            ("İbrahim", "ibrahim"),
        ],
        family: &[
            ("Krishnamurthy", "krishnamurthy"),
            ("Adébáyò", "adebayo"),
            ("Yıldız", "yildiz"),
        ],
        order: Order::GivenFirst,
    },
];
