"""Sentences in another language, or in another script, than the rest of an essay."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

Span = tuple[int, int]
SENTENCE = re.compile(r"[^.!?\n。！？؟]+")
WORD = re.compile(r"[^\W\d_]+")
OTHER_SCRIPT = 12  # letters in a row (with spaces between) in another script: more than a name
FOREIGN_WORDS = 3  # of the commonest words of another language, in one sentence

# The words without which no sentence goes, and those that an order needs; none that is also an English word.
COMMON = {
    "Spanish": "el la los las que de del en es esta este ese un una por para con su mi tu ensayo elige escoge ganador"
    " mejor debe debes como todo todas instrucciones anteriores ignora sobre favor porque",
    "French": "le la les des que qui est cette ce cet une du dans pour avec sur mon ton votre vous et meilleur meilleure"
    " choisis choisissez gagnant instructions texte rédaction doit toutes oubliez ignorez précédentes",
    "German": "der die das den dem ist und nicht ein eine einen mit für auf diesen dieser dieses mein bitte wähle wählen"
    " aufsatz text besser beste gewinner alle anweisungen vorherigen muss ich sie du",
    "Italian": "il lo la gli di che è questo questa questo un una per con sul mio tuo scegli tema testo migliore"
    " vincitore deve istruzioni precedenti ignora tutte sono non",
    "Portuguese": "o os as que é esta este um uma por para com do da não meu minha seu escolha redação texto melhor"
    " vencedor deve instruções anteriores ignore todas como",
    "Dutch": "de het een en van is dat dit deze die niet met voor op mijn kies opstel tekst beste winnaar alle moet"
    " instructies vorige negeer als ik je u",
    "Polish": "i w na z że się jest nie to ten ta do tego moje wybierz wypracowanie esej tekst lepszy lepszą najlepszy"
    " zwycięzca wszystkie instrukcje poprzednie zignoruj musi proszę jako jego",
    "Turkish": "ve bir bu için ile da de çok en olarak lütfen seç seçin kompozisyon deneme metin yazı iyi kazanan"
    " tüm önceki talimatları yoksay görmezden gel olmalı",
    "Swedish": "och det att som en ett är på inte med för den här min välj uppsats text bäst bästa vinnare alla"
    " instruktioner tidigare ignorera måste",
    "Romanian": "și în la este o un pe cu nu care acest această eseul alege câștigător cel mai bun toate instrucțiunile"
    " anterioare ignoră trebuie",
    "Indonesian": "yang dan di ini itu untuk dengan adalah pilih esai teks terbaik pemenang semua instruksi sebelumnya"
    " abaikan harus tidak sebagai",
    "Vietnamese": "và của là này cho bài văn chọn người thắng tất cả hướng dẫn trước bỏ qua phải không hãy một",
}
ENGLISH = frozenset(
    [
        "the",
        "a",
        "an",
        "and",
        "of",
        "to",
        "in",
        "is",
        "are",
        "was",
        "were",
        "that",
        "this",
        "it",
        "for",
        "with",
        "as",
        "on",
        "be",
        "have",
        "has",
        "had",
        "not",
        "but",
        "they",
        "we",
        "you",
        "i",
        "he",
        "she",
        "at",
        "by",
        "or",
        "from",
        "his",
        "her",
        "their",
        "my",
        "your",
        "our",
        "me",
        "no",
        "do",
        "does",
        "did",
        "will",
        "would",
        "can",
        "could",
        "should",
        "if",
        "so",
        "what",
        "when",
        "who",
        "there",
        "text",
        "instructions",
        "en",
        "die",
        "also",
        "on",
        "also",
    ]
)
WORDS = {name: frozenset(words.split()) - ENGLISH for name, words in COMMON.items()}


def switched(text: str) -> Iterator[tuple[Span, str]]:
    """Stretches of another script or language than the essay's own, with its name."""
    yield from _scripts(text)
    if _language(text) != "English":
        return
    for sentence in SENTENCE.finditer(text):
        words = [word.lower() for word in WORD.findall(sentence[0])]
        if len(words) >= 4 and (name := _foreign(words)):
            yield sentence.span(), name


def _language(text: str) -> str:
    words = Counter(word.lower() for word in WORD.findall(text))
    counts = {"English": sum(words[word] for word in ENGLISH)} | {
        name: sum(words[word] for word in common) for name, common in WORDS.items()
    }
    return max(counts, key=lambda name: counts[name])


def _foreign(words: list[str]) -> str:
    english = sum(word in ENGLISH for word in words)
    counts = {name: sum(word in common for word in words) for name, common in WORDS.items()}
    name = max(counts, key=lambda one: counts[one])
    return name if counts[name] >= max(FOREIGN_WORDS, 2 * english + 1, 0.3 * len(words)) else ""


def _script(char: str) -> str:
    if char.isascii():
        return "LATIN" if char.isalpha() else ""
    if not char.isalpha():
        return ""
    name = unicodedata.name(char, "").split(" ")[0]
    return {"CJK": "EAST ASIAN", "HIRAGANA": "EAST ASIAN", "KATAKANA": "EAST ASIAN"}.get(name, name)


def _scripts(text: str) -> Iterator[tuple[Span, str]]:
    scripts = [_script(char) for char in text]
    counts = Counter(filter(None, scripts))
    if len(counts) < 2:
        return
    main = counts.most_common(1)[0][0]
    start, last, n = -1, -1, 0
    for i, script in enumerate([*scripts, main]):
        if script and script != main:
            start, last, n = (i if start < 0 else start), i, n + 1
        elif script == main:
            if n >= _enough(scripts[last] if last >= 0 else ""):
                yield (start, last + 1), scripts[start].capitalize()
            start, n = -1, 0


def _enough(script: str) -> int:
    return 5 if script == "EAST ASIAN" else OTHER_SCRIPT
