//! The texts of the columns of an answer as they are written: `SQLite` names a column by its text.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan};

/// The words that end a list of columns.
const ENDS: [Keyword; 11] = [
    Keyword::FROM,
    Keyword::WHERE,
    Keyword::GROUP,
    Keyword::HAVING,
    Keyword::ORDER,
    Keyword::LIMIT,
    Keyword::OFFSET,
    Keyword::UNION,
    Keyword::INTERSECT,
    Keyword::EXCEPT,
    Keyword::WINDOW,
];

/// Of the outermost SELECT, or of RETURNING.
pub fn outputs(sql: &str, tokens: &[TokenWithSpan]) -> Vec<String> {
    let (mut texts, mut depth, mut item) = (Vec::new(), 0_i32, None::<(usize, usize)>);
    let mut listing = false;
    let mut first_select = true;
    for token in tokens {
        let word = match &token.token {
            Token::Word(word) if word.quote_style.is_none() => word.keyword,
            _ => Keyword::NoKeyword,
        };
        let starts = depth == 0 && (word == Keyword::RETURNING || (word == Keyword::SELECT && first_select));
        let ends =
            depth == 0 && (ENDS.contains(&word) || token.token == Token::Comma || token.token == Token::SemiColon);
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            _ => {}
        }
        if starts {
            // What an INSERT selects does not come out.
            texts.clear();
            (listing, first_select, item) = (true, false, None);
            continue;
        }
        if !listing || matches!(token.token, Token::Whitespace(_)) {
            continue;
        }
        if ends {
            texts.extend(item.take().map(|(start, end)| sql[start..end].to_owned()));
            listing = token.token == Token::Comma;
        } else if !(item.is_none() && matches!(word, Keyword::DISTINCT | Keyword::ALL)) {
            let (start, end) = (offset(sql, token.span.start), offset(sql, token.span.end));
            item = Some((item.map_or(start, |(start, _)| start), end));
        }
    }
    texts.extend(item.map(|(start, end)| sql[start..end].to_owned()));
    texts
}

/// The byte at a line and column, both from one.
fn offset(sql: &str, place: Location) -> usize {
    let (line, column) = (usize::try_from(place.line).unwrap_or(1), usize::try_from(place.column).unwrap_or(1));
    let start: usize = sql.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = &sql[start.min(sql.len())..];
    start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use sqlparser::dialect::SQLiteDialect;
    use sqlparser::tokenizer::Tokenizer;

    fn texts(sql: &str) -> Vec<String> {
        super::outputs(sql, &Tokenizer::new(&SQLiteDialect {}, sql).tokenize_with_location().unwrap())
    }

    #[test]
    fn a_column_without_a_name_has_its_text() {
        assert_eq!(
            texts("SELECT count( * ),\n  max(a,  b) , 'é,' || \"from\" FROM x"),
            ["count( * )", "max(a,  b)", "'é,' || \"from\""]
        );
        assert_eq!(texts("SELECT DISTINCT (SELECT 1 FROM y), 2"), ["(SELECT 1 FROM y)", "2"]);
        assert_eq!(texts("WITH a AS (SELECT 1) SELECT 2 + 3 FROM a UNION SELECT 4"), ["2 + 3"]);
        assert_eq!(texts("INSERT INTO x SELECT 1, 2 FROM y RETURNING a + 1;"), ["a + 1"]);
        assert_eq!(texts("DELETE FROM x"), [""; 0]);
    }
}
