"""The rules of the PTB lexer: what may be one token, from observing Stanford's on captions.

A rule matches at a position; the longest match wins, the earlier rule on a tie.  A rule may look
at what follows its token ("context"), and the context counts for the length.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import regex

from ser_ros.eval.ptb_characters import IN_WORD, MARK, PLAIN_LETTER

Make = Callable[[str], tuple[str, ...]]


@dataclass(frozen=True)
class Rule:
    """One kind of token.

    Attributes:
        name: for messages and tests.
        pattern: what matches; with a group "token" where context follows the token.
        make: text of the token → tokens; None keeps the text.
        back: characters at the token's end that the next token has too ("etc." gives "etc." and ".").
    """

    name: str
    pattern: regex.Pattern[str]
    make: Make | None = None
    back: int = 0
    has_context: bool = False

    def take(self, text: str, start: int, end: int) -> tuple[int, tuple[str, ...]]:
        """Position after the token, and what it is written as."""
        token = text[start:end]
        return end - self.back, self.make(token) if self.make else (_written(token),)


def _written(token: str) -> str:
    """Lower-case, with brackets spelled out, spaces inside as U+00A0 and soft hyphens gone."""
    if token.isascii() and token.isalnum():
        return token.lower()
    for symbol, spelled in (("(", "-lrb-"), (")", "-rrb-"), (" ", "\u00a0"), ("\u00ad", "")):
        token = token.replace(symbol, spelled)
    return token.lower() or "-"


def _fixed(*tokens: str) -> Make:
    return lambda _: tokens


# Letters and numbers

LETTER = rf"(?:{PLAIN_LETTER}|{IN_WORD}|&(?i:[aeiou](?:acute|grave|uml));)"
DIGIT = r"\p{Nd}"
ALNUM = rf"(?:{LETTER}|{DIGIT})"
PLAIN = rf"(?:{PLAIN_LETTER}|{DIGIT})"
HYPHEN = r"[-_\u058A\u2010\u2011]"
SPACE = r"[ \t\u00A0\u2000-\u200A\u3000]"
SPACE_OR_LINE = rf"(?:{SPACE}|[\r\n])"
APOSTROPHE = r"(?:['\u0092\u2019]|&apos;)"
APOSTROPHE_LIKE = r"(?:['`\u0091\u0092\u2018\u2019\u201B]|&apos;)"

WORD = rf"{LETTER}{ALNUM}*(?:[.!?]{LETTER}{ALNUM}*)*"
NUMBER = rf"(?:{DIGIT}*(?:[.:,\u00AD\u066B\u066C]{DIGIT}+)+|{DIGIT}+)"
SUPERSCRIPT = r"[\u207A\u207B\u208A\u208B]?(?:[\u2070\u00B9\u00B2\u00B3\u2074-\u2079]+|[\u2080-\u2089]+)"
DATE = rf"{DIGIT}{{1,2}}[-/]{DIGIT}{{1,2}}[-/]{DIGIT}{{2,4}}"
FRACTION = rf"(?:{DIGIT}{{1,4}}[- \u00A0])?{DIGIT}{{1,4}}(?:\\?/|\u2044){DIGIT}{{1,4}}"
PHONE = (
    r"(?:(?:\([0-9]{2,3}\)[ \u00A0]?|(?:\+\+?)?(?:[0-9]{2,4}[- \u00A0])?[0-9]{2,4}[- \u00A0])"
    r"[0-9]{3,4}[- \u00A0]?[0-9]{3,5}|(?:(?:\+\+?)?[0-9]{2,4}\.)?[0-9]{2,4}\.[0-9]{3,4}\.[0-9]{3,5})"
)
CURRENCY = r"[\u00A2-\u00A5\u0080\u20A0\u20AC]"

# Words with marks inside

_ELIDED = rf"(?:[dDoOlL]{APOSTROPHE_LIKE}{PLAIN})?"
HYPHENATED = rf"{_ELIDED}{PLAIN}+(?:{HYPHEN}{_ELIDED}{PLAIN}+)*"
SLASHED = r"[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}(?:\\?/[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}){1,2}"
DOTTED_HYPHENATED = r"[A-Za-z0-9][A-Za-z0-9.,\u00AD]*(?:-(?:[A-Za-z0-9\u00AD]+|[A-Za-z](?:\.[A-Za-z])+\.))+"
AMPERSAND_NAME = r"[A-Z]+(?:(?:[+&]|&amp;)[A-Z]+)+"
ELIDED_NAME = rf"[A-HJ-XZn]{APOSTROPHE_LIKE}{PLAIN_LETTER}{{2,}}"
GLOTTAL_NAME = rf"{PLAIN_LETTER}+[aeiouyAEIOUY]{APOSTROPHE_LIKE}[aeiouA-Z]{PLAIN_LETTER}*"
CLIPPED = (
    rf"(?i:{APOSTROPHE}n{APOSTROPHE}?|[ldj]{APOSTROPHE}|dunkin{APOSTROPHE}|somethin{APOSTROPHE}|ol{APOSTROPHE}"
    rf"|{APOSTROPHE}em|{APOSTROPHE}till?|{APOSTROPHE}cause|cap{APOSTROPHE}n|li{APOSTROPHE}l|o{APOSTROPHE}o"
    rf"|[eo]{APOSTROPHE}er|c'mon|c{APOSTROPHE}est|s'mores)"
)

# Contractions

ENDING = rf"{APOSTROPHE}(?:[msdMSD]|[rR][eE]|[vV][eE]|[lL][lL])"
NEGATION = rf"[nN]{APOSTROPHE_LIKE}[tT]"
NEGATED = r"[A-Za-z\u00AD]*[A-MO-Za-mo-z]\u00AD*"

# Abbreviations

_ANY_CASE_FINAL = """
    jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thurs fri
    ala ariz calif colo conn ct dak fla ga ind kan kans ky md mich minn mo mont neb nev okla penn tenn va
    vt wis wisc wyo inc co cos corp ltd plc bancorp bhd assn univ intl sys est ext sq tel rt rd jr sr bros
    blvd esq etc al seq bldg
"""
_CAPITAL_FINAL = "Ark Az Del Ill La Mass Miss Ore Pa Tex Wash"
_OTHER = """
    adj adm adv alex assoc asst atty attys ave brig capt cf cmdr col comdr cpl dept det dr drs elec ens ft
    gen gov govs hon jos lieut lt maj messrs mr mrs ms mt pfc ph pres prof profs pvt rep reps rev sen sens sgt
    spc st ste supt supts treas vs wm cie insp invt mlle mme msgr natl sfc
"""
_BEFORE_NUMBER = "art ca fig figs no nos op pp prop"


def _any_case(words: str) -> str:
    return "(?i:" + "|".join(words.split()) + ")"


def _capitalised(words: str) -> str:
    """With a capital first letter, and the others in any case."""
    return "|".join(f"{word[0]}(?i:{word[1:]})" for word in words.split())


# Their period ends the sentence too when a new one begins.
FINAL_ABBREVIATION = (
    rf"(?:{_any_case(_ANY_CASE_FINAL)}|{_capitalised(_CAPITAL_FINAL)}"
    r"|[Pp]{1,2}[Tt][ye][Ss]?|(?i:ph|ed)\.[Dd])\."
)
OTHER_ABBREVIATION = rf"(?:{_any_case(_OTHER)}|[Mm][ft][gG]|(?i:m\.p\.h))\."
NUMBER_ABBREVIATION = rf"{_any_case(_BEFORE_NUMBER)}\."
ACRONYM = r"[A-Za-z](?:\.[A-Za-z])*\."
LONG_ACRONYM = r"[A-Za-z](?:\.[A-Za-z])+\."
_OPENERS = """
    A About According Additionally After An As At But Earlier He Her Here However If In It Last Many More
    Mr\\. Ms\\. Now Once One Other Our She Since So Some Such That The Their Then There These They This We
    What When While Yet You
"""
_OPENER = _capitalised(_OPENERS)


# Files, markup, addresses, faces

FILE = (
    rf"{ALNUM}+(?:\.{ALNUM}+)*\.(?i:bat|bmp|c|class|cgi|cpp|dll|docx?|exe|gif|gz|h|html?|jar|java|jpe?g|mov"
    r"|mp3|pdf|php|pl|png|ppt|ps|py|sql|tar|txt|wav|x|xml|zip)"
)

_ATTRIBUTE = r"[A-Za-z][A-Za-z0-9_:.-]*(?:[ ]*=[ ]*(?:\"[^\"\r\n]*\"|'[^'\r\n]*'))?"
TAG = rf"<(?:[!?][A-Za-z-][^>\r\n]*|/?[A-Za-z][A-Za-z0-9_:.-]*(?:[ ]+{_ATTRIBUTE})*[ ]*/?[ ]*)>"
FINAL_CONTEXT = rf"{SPACE_OR_LINE}(?:{SPACE_OR_LINE}|\p{{Uppercase}}|{TAG})"
SENTENCE_START = rf"{SPACE_OR_LINE}+(?:{_OPENER}|{TAG}){SPACE_OR_LINE}"
URL = r"https?://[^ \t\n\f\r\"<>|(){}]+[^ \t\n\f\r\"<>|.!?(){},-]"
# Java counts an emoji as two characters, which is what a path needs at least.
SITE = (
    r"(?:www\.(?:[^ \t\n\f\r\"<>|.!?(){},]+\.)+[a-zA-Z]{2,4}"
    r"|(?:[^ \t\n\f\r\"`'<>|.!?(){},-_$]+\.)+(?i:com|net|org|edu))"
    r"(?:/(?:[^ \t\n\f\r\"<>|()]+[^ \t\n\f\r\"<>|.!?(){},-]|[\U00010000-\U0010FFFF]))?"
)
EMAIL = (
    r"(?:&lt;|<)?[a-zA-Z0-9][^ \t\n\f\r\"<>|(){}\u00A0]*@(?:[^ \t\n\f\r\"<>|(){}.\u00A0]+\.)*"
    r"[^ \t\n\f\r\"<>|(){}.\u00A0]+(?:&gt;|>)?"
)
FACE = r"[<>]?[:;=][-o*']?[()DPdpO\\{@|\[\]]"
LINE_FACE = r"(?:[-^x=~<>']_[-^x=~<>']|\([-^x=~<>'][_.]?[-^x=~<>']\)|\([\^x=~<>']-[\^x=~<>'`]\))"

_BRACKETS = {"[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-", "(": "-lrb-", ")": "-rrb-"}
_QUOTES = {
    "\u2018": "`", "\u0091": "`", "\u201b": "`", "\u2039": "`",
    "\u2019": "'", "\u0092": "'", "\u203a": "'",
    "\u201c": "``", "\u0093": "``", "\u00ab": "``",
    "\u201d": "''", "\u0094": "''", "\u00bb": "''",
}  # fmt: skip
_MONEY = {"\u20ac": "$", "\u0080": "$", "\u00a4": "$", "\u20a0": "$", "\u00a3": "#", "\u00a2": "cents"}
_VULGAR = {"\u00bc": "1/4", "\u00bd": "1/2", "\u00be": "3/4", "\u2153": "1/3", "\u2154": "2/3"}


def _quotes(token: str) -> tuple[str, ...]:
    token = token.replace("&apos;", "'").lower()
    return ("".join(_QUOTES.get(mark, mark) for mark in token),)


def _lower(token: str) -> tuple[str, ...]:
    """Lower-case and else as written: addresses keep their soft hyphens."""
    return (token.lower(),)


def _ampersand(token: str) -> tuple[str, ...]:
    return (_written(token.replace("&amp;", "&")),)


def _halves(cut: int) -> Make:
    return lambda token: (token[:cut].lower(), token[cut:].lower())


def _lookup(table: dict[str, str]) -> Make:
    return lambda token: (table.get(token, token),)


# (name, token, context or "", make, back), the earlier rule wins a tie.
_TABLE: list[tuple[str, str, str, Make | None, int]] = [
    ("cannot", r"(?i:cannot)", "", _halves(3), 0),
    ("gonna", r"(?i:gonna|gotta|lemme|gimme|wanna)", "", _halves(3), 0),
    ("'tis", r"'[tT]", r"(?i:is|was)", None, 0),
    ("tag", TAG, "", None, 0),
    ("dash entity", r"&(?i:MD|mdash|ndash);|[\u0096\u0097\u2013\u2014\u2015]", "", _fixed("--"), 0),
    ("ampersand", r"&(?i:amp);", "", _fixed("&"), 0),
    ("entity", r"&(?i:HT|TL|UR|LR|QC|QL|QR|odq|cdq|#[0-9]+);", "", None, 0),
    ("word before ending", WORD, ENDING, None, 0),
    ("negated", NEGATED, NEGATION, None, 0),
    ("word", WORD, "", None, 0),
    ("clipped", CLIPPED, "", None, 0),
    ("decade", rf"{APOSTROPHE}[2-9]0[sS]", "", None, 0),
    ("year", rf"{APOSTROPHE}[0-9]{{2}}", SPACE_OR_LINE, None, 0),
    ("y'all", rf"[yY]{APOSTROPHE}", r"\p{L}", None, 0),
    ("url", URL, "", _lower, 0),
    ("site", SITE, "", _lower, 0),
    ("email", EMAIL, "", _lower, 0),
    ("handle", r"@[a-zA-Z_][a-zA-Z_0-9]*", "", None, 0),
    ("hashtag", rf"#{LETTER}+", "", _lower, 0),
    ("elided name", ELIDED_NAME, "", None, 0),
    ("ending", ENDING, r"[^A-Za-z]", _quotes, 0),
    ("negation", NEGATION, r"[^A-Za-z]", _quotes, 0),
    ("date", DATE, "", None, 0),
    ("number", rf"[-+]?{NUMBER}", "", None, 0),
    ("superscript", SUPERSCRIPT, "", None, 0),
    ("fraction", FRACTION, "", None, 0),
    ("vulgar fraction", r"[\u00BC-\u00BE\u2153-\u215E]", "", _lookup(_VULGAR), 0),
    ("dollar", r"[A-Z]*\$|#", "", None, 0),
    ("currency", CURRENCY, "", _lookup(_MONEY), 0),
    ("final abbreviation", FINAL_ABBREVIATION, FINAL_CONTEXT, None, 1),
    ("abbreviation", FINAL_ABBREVIATION, r"(?s:..)", None, 0),
    ("abbreviation at the end", FINAL_ABBREVIATION, "", None, 0),
    ("other abbreviation", OTHER_ABBREVIATION, "", None, 0),
    ("abbreviation before number", NUMBER_ABBREVIATION, rf"{SPACE_OR_LINE}?{DIGIT}", None, 0),
    ("acronym before sentence", LONG_ACRONYM, SENTENCE_START, None, 1),
    ("letter before sentence", r"[A-Za-z]", rf"\.{SENTENCE_START}", None, 0),
    ("word in clause", rf"(?:{WORD}|{HYPHENATED}|{DOTTED_HYPHENATED})\.", r"[,;:\u3001]", None, 0),
    ("acronym", ACRONYM, "", None, 0),
    ("file", FILE, rf"(?:{SPACE_OR_LINE}|[.?!,])", _lower, 0),
    ("phone", PHONE, "", None, 0),
    ("prefix", r"(?i:anti|pro)-", "", None, 0),
    ("hyphenated", HYPHENATED, "", None, 0),
    ("savings and loans", r"(?i:s&ls)", "", None, 0),
    ("name with ampersand", AMPERSAND_NAME, "", _ampersand, 0),
    ("slashed", SLASHED, "", None, 0),
    ("glottal name", GLOTTAL_NAME, "", None, 0),
    ("dotted and hyphenated", DOTTED_HYPHENATED, "", None, 0),
    ("language", r"[cC]\+\+|[cCfF]#", "", None, 0),
    ("face", FACE, r"[^A-Za-z0-9]", None, 0),
    ("line face", LINE_FACE, "", None, 0),
    ("opening double quote", r"\"", r"[A-Za-z0-9$]", _fixed("``"), 0),
    ("double quote", r"\"|''", "", _fixed("''"), 0),
    ("quote entity", r"&quot;", r"[A-Za-z0-9$]", _fixed("``"), 0),
    ("quote entity", r"&quot;", "", _fixed("''"), 0),
    ("opening single quote", r"'", r"[A-Za-z][^ \t\n\r]", _fixed("`"), 0),
    ("ending inside", ENDING, "", _quotes, 0),
    ("negation inside", NEGATION, "", _quotes, 0),
    ("apostrophe", r"'|&apos;", "", _fixed("'"), 0),
    ("entity in capitals", r"&(?i:quot|apos);", "", None, 0),
    ("quotes", r"[`\u0082\u0084\u0091-\u0094\u00AB\u00BB\u2018-\u201F\u2039\u203A]{1,2}", "", _quotes, 0),
    ("brackets", r"[][{}()]", "", _lookup(_BRACKETS), 0),
    ("spelled bracket", r"(?i:-[lr][rsc]b-)", "", None, 0),
    ("ellipsis", r"\.{3,5}|(?:\.[ \u00A0]){2,4}\.|[\u2026]", "", _fixed("..."), 0),
    ("exclamation", r"[?!]+", "", None, 0),
    ("dash", r"-{2,4}", "", _fixed("--"), 0),
    ("rule of hyphens", r"-{5,}|_{2,}|@{2,}|#{2,}|\*{2,}", "", None, 0),
    ("less", r"&(?i:lt);", "", _fixed("<"), 0),
    ("greater", r"&(?i:gt);", "", _fixed(">"), 0),
    ("space", rf"{SPACE}+|&(?i:nbsp);", "", lambda _: (), 0),
    ("doubled angle", r"<<|>>", "", None, 0),
    ("mark", rf"{MARK}|\\\*|[-,.:/#@+%_~\u2044]", "", None, 0),
]  # fmt: skip

RULES = [
    Rule(
        name,
        regex.compile(rf"(?P<token>{token}){context}" if context else token, regex.POSIX),
        make,
        back,
        bool(context),
    )
    for name, token, context, make, back in _TABLE
]


@functools.cache
def rules_for(character: str) -> tuple[Rule, ...]:
    """The rules that a token starting with this character can follow."""
    return tuple(rule for rule in RULES if rule.pattern.match(character, partial=True))
