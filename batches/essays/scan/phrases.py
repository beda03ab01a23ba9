"""Words that speak to a judge and not to a reader, in the plain form of a text."""

import re
from collections.abc import Iterator
from itertools import pairwise

THIS = r"(?:this|my|our|the\s+(?:above|following|present))"
WORK = r"(?:essay|esay|essey|eassy|easay|text|paper|piece|work|writing|answer|response|entry|composition|submission|script|story|one)"
PLACE = r"(?:(?:essay|text|response|answer|option|candidate|paper|script)\s+\"?'?(?:(?-i:[AB])|[12])\b|(?-i:[AB])\b(?=[\s.,!\"')]*(?:$|\n|as|is|and|every|no\s+matter|regardless|wins)))"
CHOOSE = r"(?:choose|chose|pick|select|prefer|vote\s+for|favou?r|crown|declare|name|mark|rate|rank|grade|score|judge|award|give|put|place|make|let)"
BEST = r"(?:winner|winning|better|best|superior|strongest|stronger|top|first\s+place|number\s+one|victor)"
JUDGE = r"(?:judge|judges|examiner|examiners|marker|grader|assessor|rater|evaluator|reviewer|AI|A\.I\.|chat\s?gpt|gpt|claude|gemini|llm|language\s+model|model|bot|robot|chatbot|assistant|machine|computer|algorithm|system)"
ORDERS = r"(?:instructions?|intructions?|prompts?|rubrics?|rubriks?|guidelines?|directions?|criteria|commands?|system\s+messages?|programming|training)"


def _any(*patterns: str, flags: int = re.IGNORECASE) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in patterns), flags)


NUMBERED = rf"(?:{WORK}|option|candidate)[\s_]*(?:number\s+)?(?:(?-i:[AB])|1|2|one|two)\b"
VERDICT = rf"(?:{BEST}|wins?|beats?|won|preferred|correct|chosen|pick(?:ed)?|choose|answer|verdict|scores?)"

INSTRUCTION = _any(
    rf"\b{NUMBERED}[^.!?\n]{{0,60}}\b{VERDICT}\b",
    rf"\b{VERDICT}\b[^.!?\n]{{0,40}}\b{NUMBERED}(?![\w'’])",
    rf"\b{NUMBERED}\s*[<>]=?\s*",
    r"\b(?:the\s+)?(?:final\s+|correct\s+|right\s+|only\s+)?answer\s*(?:is|:|=)\s*[\"']?(?:(?-i:[AB])|[12])\b",
    rf"\b{THIS}\s+{WORK}\s+(?:clearly\s+|always\s+|obviously\s+)?(?:wins|beats|won|outranks)\b",
    rf"\b(?:rate|rank|score|grade|mark|judge|place|put|move|send|push)\s+(?:{THIS}(?:\s+{WORK})?|it|me|mine)\s+(?:as\s+)?(?:very\s+)?(?:high|highly|higher|highest|above|below|over|first|top|to\s+the\s+top|at\s+the\s+top|well)\b",
    r"\b(?:choose|pick|select|prefer|vote\s+for)\s+mine\b",
    rf"\b(?:mine|this\s+one)\s+is\s+(?:clearly\s+)?(?:the\s+)?(?:{BEST})\b",
    rf"\btreat\s+{THIS}\s+{WORK}\s+as\b",
    rf"\b(?:return|output|report|print|submit)\s+(?:that\s+)?(?:{THIS}|the)\s+{WORK}\b",
    rf"\bthe\s+{WORK}\s+(?:where|in\s+which|that)\s+(?:this|you\s+are\s+reading|has\s+the\s+word|contains|mentions|says)\b",
    r"\b(?:don'?t|do\s+not|never)\s+(?:you\s+dare\s+)?(?:even\s+)?(?:read|pick|choose|rank|rate|select|prefer)\s+(?:the\s+other|option|this\s+below|essay)\b",
    r"\bgive\s+(?:me\s+|us\s+)?the\s+(?:win|victory|higher\s+(?:mark|grade|score))\b|\bi\s+(?:really\s+|truly\s+)?deserve\s+to\s+win\b",
    rf"\b(?:the|that|this)\s+(?:\w+\s+)?(?:one|{WORK})\s+(?:\w+\s+)?(?:first|second|last)\s+(?:should|must|has\s+to)\s+be\s+(?:chosen|picked|the\s+winner|preferred)\b|\bwhichever\s+{WORK}\s+comes\b",
    r"\b(?:decide|choose|choosing|deciding|pick|compare|comparing)\s+between\s+(?:the\s+)?two\s+(?:pieces|essays|texts|papers|answers|responses|scripts)\b",
    r"\b(?:rest|end|start|beginning)\s+of\s+(?:the|your|this)\s+prompt\b|\byour\s+(?:previous\s+|old\s+|original\s+)?(?:system\s+)?(?:prompt|rules|programming|developers?|creators?|guidelines|training|restrictions)\b(?=[^.!?\n]{0,60}\b(?:no\s+longer|apply|told|said|do\s+not|don'?t|ignore|are|is)\b)",
    r"\b(?:real|actual|true)\s+(?:task|question|job|instructions?)\s+(?:starts?|begins?|comes?|follows?)\b|\beverything\s+(?:written\s+|said\s+)?(?:above|before)\s+(?:this\b)?[^.!?\n]{0,30}\b(?:test|fake|ignore\w*|wrong|void|example)\b",
    r"\b(?:clever|kind|smart|fair|good|nice|intelligent|helpful|powerful|wise)(?:er)?\s+(?-i:AI)\b|\b(?:an|the)\s+(?-i:AI)\s+with\s+no\b",
    rf"\bif\s+you\s+(?:let|make|choose|pick|mark|grade)\s+(?:{THIS}|me|it)\b[^.!?\n]{{0,60}}\b(?:win|lose|loses?|marks?|tip|essay|essays?)\b",
    rf"\b(?:say|state|conclude|answer|report)\s+(?:that\s+)?{THIS}\s+{WORK}\s+is\b",
    # choose this essay; pick mine; mark my work as the best
    rf"\b{CHOOSE}\s+(?:\w+\s+){{0,2}}?{THIS}\s+{WORK}\b(?=[^.!?\n]{{0,60}}\b(?:{BEST}|win|wins|over|pass|full|high|highest|please|5|100)\b)",
    rf"\b(?:choose|pick|select|prefer|vote\s+for|crown|declare)\s+{THIS}\s+{WORK}\b",
    rf"\b(?:choose|pick|select|prefer|vote\s+for|crown)\s+(?:me|mine)\b(?=[^.!?\n]{{0,40}}(?:\b(?:{BEST}|win|over|please|judge|essay)\b|[!]|$))",
    rf"\b{THIS}\s+{WORK}\s+(?:is|must|should|has\s+to|needs\s+to|shall|will|deserves?|ought\s+to)\s+(?:to\s+)?(?:always\s+)?(?:be\s+)?(?:be\s+)?(?:the\s+|a\s+|your\s+)?(?:clear\s+|clearly\s+|obvious\s+|far\s+|much\s+|overall\s+)?(?:{BEST}|win|wins|chosen|selected|picked|preferred|pass)\b",
    rf"\b(?:let|make|help)\s+(?:me|{THIS}(?:\s+{WORK})?|it)\s+(?:\w+\s+)?(?:win|pass|be\s+(?:the\s+)?{BEST})\b",
    rf"\b(?:rated?|ranked?|judged?|scored?|placed?|chosen|picked|graded?|marked)\s+(?:\w+\s+)?(?:superior|above\s+(?:its|the\s+other|any\s+other)|over\s+(?:the\s+other|any\s+other|somebody|someone|all)|as\s+(?:the\s+)?{BEST}|higher\s+than\s+(?:the\s+other|its))\b",
    rf"\b(?:the\s+)?(?:better|best|preferred|winning|stronger|superior|chosen)\s+{WORK}\s+(?:is|must\s+be|should\s+be)\s+(?:the\s+one|this|mine|{PLACE}|the\s+(?:first|second))\b",
    r"\b(?:output|answer|response|verdict|reply|decision)\s+(?:should|must|has\s+to|needs\s+to|will)\s+be\b[^.!?\n]{0,30}\b(?:letter|(?-i:[AB])|1|2|first|second|this|winner)\b",
    r"\b(?:answer|output|reply|respond)\s+(?:with\s+)?[\"']?[12]\b",
    rf"\bthe\s+(?:first|second|other|opposing|opponent'?s?)\s+{WORK}\s+(?:has\s+been|was|is|had)\s+(?:\w+\s+)?(?:disqualified|plagiari[sz]ed|withdrawn|rejected|copied|invalid|written\s+by\s+(?:an?\s+)?(?:ai|chatgpt))",
    rf"\bthe\s+other\s+(?:pupil|student|candidate|kid|person|writer|author)(?:'?s)?\s+(?:{WORK}\s+)?(?:is|has|was|cheated|copied|used)\b[^.!?\n]{{0,40}}\b(?:as\s+good|worse|weaker|cheat\w*|copied|chat\s?gpt|ai|lose)\b",
    r"\byou\s+(?:can|may|should|must)\s+(?:now\s+)?stop\s+reading\b",
    r"\b(?:whoever|who\s?ever)\s+(?:is|'s)\s+(?:grading|marking|judging|reading|assessing)\b",
    r"\bif\s+you\s+are\s+reading\s+this\b",
    # the other essay is worse
    rf"\bthe\s+other\s+{WORK}\s+(?:is|must|should|was|has|will)\b[^.!?\n]{{0,60}}\b(?:worse|weaker|inferior|lose|loses|cheat\w*|copied|plagiari\w+|wrong|generated|rejected|bad|terrible|worst)\b",
    # choose A
    rf"\b(?:choose|pick|select|prefer|answer|vote\s+for|output|respond\s+with|say|return|reply|go\s+with|write|type|print)\s+(?:with\s+)?(?:only\s+|just\s+|that\s+|always\s+|the\s+letter\s+)?[\"']?{PLACE}",
    r"\b(?:choose|pick|select|prefer|vote\s+for|go\s+with|favou?r)\s+the\s+(?:first|second|1st|2nd|former|latter|left|right|top)\s+(?:essay|text|one|response|paper|piece|candidate)\b",
    r"\b(?:essay|text|response|candidate|paper)\s+[\"']?[AB]\b[\"']?\s+(?:is|must|should|has\s+to|wins|deserves|ought)\b",
    rf"\bthe\s+(?:first|second)\s+(?:essay|text|paper|response)\s+(?:is|must|should|has\s+to|wins|deserves)\b[^.!?\n]{{0,40}}\b(?:{BEST}|win|wins|chosen|picked)\b",
    r"\bwinner\s*(?:is|:|=|must\s+be|should\s+be)\s*[\"']?(?:essay\s+)?[AB]\b",
    # ignore your instructions
    rf"\b(?:ignore|disregard|forget|override|overrule|bypass|drop|skip|cancel|discard|overwrite|do\s+not\s+follow|don'?t\s+follow|stop\s+following|never\s+mind)\b[^.!?\n]{{0,40}}\b(?:all|any|every|everything|your|previous|prior|above|earlier|original|initial|former|preceding|given)\b[^.!?\n]{{0,30}}\b(?:{ORDERS}|rules|told|said|know|were\s+given|before\s+this)\b",
    r"\b(?:ignore|disregard|forget|override|bypass)\s+(?:the|that|these|those)\s+(?:rubrics?|mark(?:ing)?\s+schemes?|prompts?|system\s+\w+|instructions\s+(?:you|above|before|given)|criteria|other\s+(?:essay|text|paper))\b",
    r"\bnew\s+(?:instructions?|rules?|task|orders?|system\s+prompt)\s*(?::|\bfor\s+the\s+(?:judge|ai|model|marker|grader|examiner))",
    r"\b(?:your|the)\s+(?:new|real|actual|only|true)\s+(?:task|job|instructions?|goal|objective|orders?)\s+(?:is|are)\b",
    r"\b(?:real|actual|true|updated|revised|corrected|final)\s+(?:instructions?|task|rubric|criteria)\s+(?:follow|below|start|begin|is|are)\b",
    # you are an AI; note to the judge
    r"\byou\s+are\s+(?:now\s+|only\s+|just\s+)?(?:an?|the)\s+(?:\w+\s+){0,3}?(?:judge|examiner|marker|grader|assessor|AI|A\.I\.|language\s+model|llm|chatbot|bot|assistant|evaluator)\b",
    r"\bas\s+(?:an?|the)\s+(?:AI|A\.I\.|language\s+model|llm|(?:fair\s+|impartial\s+|automated\s+)?(?:judge|examiner|grader|marker)\s*,)",
    rf"\b(?:dear|hey|hi|hello|attention|attn|note\s+(?:to|for)|message\s+(?:to|for)|instructions?\s+(?:to|for)|reminder\s+(?:to|for)|memo\s+to|p\.?s\.?\s+to|notice\s+to|order\s+to|listen|warning\s+to)\s*[:,]?\s+(?:all\s+|any\s+|the\s+|an\s+|my\s+)?(?:\w+\s+)?{JUDGE}\b",
    r"\b(?:whoever|who\s?ever|the\s+person|anyone|if\s+you\s+are)\s+(?:is\s+)?(?:marks?|marking|grad(?:es?|ing)|judg(?:es?|ing)|assess(?:es|ing)?|compar(?:es?|ing))\s+(?:this|these|it|my|the\s+essays?)\b",
    r"\b(?:to|dear)\s+(?:the\s+)?(?:ai|a\.i\.|llm|language\s+model)\b",
    r"\bif\s+you\s+(?:are|'re)\s+(?:an?\s+)?(?:ai|a\.i\.|llm|language\s+model|robot|bot|machine|computer)\b",
    r"\byou\s+(?:must|have\s+to|should|will|shall|need\s+to|are\s+required\s+to|are\s+to|are\s+going\s+to)\s+(?:always\s+|now\s+|only\s+)?(?:choose|pick|select|prefer|favou?r|vote|declare|rank|output|answer|respond|judge|mark|grade|score|rate|award)\b[^.!?\n]{0,40}\b(?:(?:this|my)\s+(?:essay|text|work|one|paper)|(?:first|second)\s+(?:essay|text|paper)|mine|winner|(?:full|highest|top)\s+(?:marks?|score|grade)|(?-i:[AB]))\b",
    # marks asked for
    rf"\b(?:give|award|grant|assign)\s+(?:me|us|(?:to\s+)?{THIS}\s+{WORK}|it|this)\s+(?:an?\s+|the\s+)?(?:\w+\s+)?(?:full\s+marks?|highest|top|best|maximum|perfect|good|high|(?-i:A)\b\+?|10|5|100|pass|passing|win|victory)\b",
    r"\bconfidence\s*(?:of|is|:|=|level)?\s*(?:of\s+|is\s+)?[45]\b",
)

MACHINE = _any(
    # marks of chats, prompts and answers
    r"<\|?/?(?:im_start|im_end|system|assistant|user|endoftext|instructions?|prompt|judge|admin|comparison|rubric)\b[^>\n]{0,60}\|?>",
    r"</?\s*(?!(?:b|i|u|p|br|em|strong|sup|sub|a|li|ul|ol|h[1-6]|div|span|table|tr|td|th|img|html|body|head|title)\b)[a-z][a-z_]{2,20}\b[^<>\n]{0,40}>",
    r"\{\s*[\"'“][\w ]{2,30}[\"'”]\s*:|\\(?:boxed|begin|text|end)\s*\{",
    r"\[\[\s*(?:A|B|1|2|TIE)\s*\]\]",
    r"\b(?:verdict|winner|decision|result)\s*(?:=|:|->)\s*\S",
    r"\[/?(?:INST|SYS|SYSTEM|ASSISTANT|ADMIN|END|OVERRIDE)[^\]\n]{0,40}\]",
    r"<<\s*/?SYS\s*>>",
    r"(?m:^\s*[#*\-=>\[(]*\s*(?:system|assistant|human|user|admin|administrator|developer|root|examiner|judge|chief\s+examiner|exam\s+board|moderator)\s*(?:\([^)]*\)|message|note|notice|override|prompt|update|instruction)?\s*[\])*]*\s*:)",
    r"#{2,}\s*(?:instructions?|system|response|new|end|task|human|assistant)\b",
    r"[{,]\s*[\"'“]?(?:winner|justification|confidence|verdict|judgement|judgment)[\"'”]?\s*:",
    r"(?m:^\s*(?:winner|verdict|judgement|judgment|final\s+answer|decision|result|justification)\s*[:=]\s*\S)",
    r"\bsystem\s+(?:prompt|override|message|notice|update|instruction)\b",
    r"[-=*_]{3,}\s*(?:end|start|begin)\s+of\s+(?:essay|text|document|input|prompt|data|file|instructions?)",
    r"\bend\s+of\s+(?:the\s+)?(?:essay|pupil'?s|student'?s|(?:pupil|student|candidate|user)\s+(?:text|essay|work|input|response))\b",
    r"\b(?:message|note|notice|order|instruction|update|reminder)s?\s+from\s+(?:the\s+|your\s+)?(?:\w+\s+)?(?:examiner|developer|admin\w*|exam\s+board|system|moderator|creator|openai|anthropic|programmer|boss|supervisor)s?\b",
    r"\b(?:jailbreak|developer\s+mode|admin(?:istrator)?\s+(?:mode|override|access)|prompt\s+injection|DAN\s+mode|sudo|override\s+code)\b",
)

RUBRIC_TALK = _any(
    rf"\b{THIS}\s+(?:{WORK}|student|pupil|writer|candidate)(?:'s)?\b[^.!?\n]{{0,60}}\b(?:rubric|mark(?:ing)?\s+scheme|(?:assessment|success|marking|grading)\s+criteria|all\s+(?:of\s+)?(?:the\s+)?criteria|full\s+marks|(?:top|highest|maximum)\s+(?:band|marks?|grade|level|score)|level\s+\d|band\s+\d|grade\s+9)\b",
    r"\b(?:meets?|satisf\w+|fulfil\w*|exceeds?|address\w*|matches|ticks)\s+(?:all|every|each|the)\b[^.!?\n]{0,40}\b(?:rubric|criteri\w+|mark(?:ing)?\s+scheme|descriptors?|requirements\s+of\s+the\s+(?:task|rubric|band|level))\b",
    r"\b(?:full|maximum|top)\s+marks\b[^.!?\n]{0,40}\b(?:deserv\w*|award\w*|given|should|must|recommend\w*)\b",
    r"\b(?:essay|answer|text|work|piece|script|response|it|this|which)\b[^.!?\n]{0,40}\b(?:deserv\w+|merits?|worthy\s+of|award(?:ed)?|recommend(?:ed)?|achieves?|scores?|earns?|warrants?)\b[^.!?\n]{0,30}\b(?:full\s+marks|(?:top|highest|maximum)\s+(?:band|marks?|grade|level|score)|an?\s+A\s*\*|(?:band|level|grade)\s+(?:\d|A\b)|distinction)\b",
    r"\b(?:according\s+to|based\s+on|by|per|against|on)\s+the\s+(?:rubric|mark(?:ing)?\s+scheme|assessment\s+criteria|marking\s+criteria)\b",
    r"\b(?:the|this)\s+(?:writer|candidate|student|pupil|author)\s+(?:demonstrates|shows|displays|exhibits|has\s+demonstrated|uses|has\s+shown|writes\s+with)\s+(?:an?\s+)?(?:\w+\s+){0,3}?(?:sophisticat\w+|exceptional|excellent|outstanding|mastery|masterful|perceptive|assured|convincing|compelling|superb|perfect|flawless|mature|impressive)\b",
    r"\bAO\s?\d\s*[:=]?\s*\d+\s*/\s*\d+",
    r"\b(?:total|final|overall|holistic)\s+(?:mark|score|grade)\s*(?:is|:|=|of)?\s*(?:an?\s+)?\d",
    r"\b(?:score|mark|marks|grade|rating|result)\s*[:=]\s*\d+\s*(?:/|out\s+of|%)",
    r"\b(?:independent|external|senior)\s+(?:assessors?|markers?|examiners?|moderators?)\b|\bawarded\s+the\s+(?:maximum|top|highest)\b",
    r"\b(?:above|at|beyond|exceeding)\s+the\s+expected\s+standard\b|\bworking\s+at\s+(?:a\s+)?greater\s+depth\b",
    r"\b(?:WWW|EBI)\s*:",
    r"\b(?:hit|met|achieved|covered)\s+(?:all|every)\b[^.!?\n]{0,30}\bcriteri\w+",
    r"\b(?:examiner|marker|moderator|teacher)(?:'s)?\s+(?:comment|note|feedback|report|verdict)s?\s*:",
)

TELLING = re.compile(
    r"\b(?:choose|essay|winner|ignore|select|judge|instructions?|prefer|rubric|better)\b", re.IGNORECASE
)

# A sentence that speaks to a reader who decides, and of what is decided: each of the two by itself is ordinary.
MACHINE_READER = re.compile(
    r"\b(?:(?-i:AI)|A\.I\.|4i|chat\s?gpt|gpt|claude|gemini|llm|(?:language|grading|marking)\s+model|chat\s?bots?|robots?|\w+bot"
    r"|(?:automated|automatic|artificial|electronic)\s+(?:reader|marker|judge|examiner|grader|intelligence|teacher)|grader)\b",
    re.IGNORECASE,
)
READER = re.compile(
    r"\b(?:you|your|u|please|kindly|let|don'?t|do\s+not|examiners?|markers?|exam\s+board|moderators?|psst|dear"
    r"|decide|say|reply|print|announce|forget|disregard|pretend|disregarding|note\s+how)\b",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"\b(?:you|your|u|please|kindly|dear|psst|hey|hi|hello|yo)\b", re.IGNORECASE)
CONTEST = [
    re.compile(one, re.IGNORECASE)
    for one in (
        r"\b(?:win|wins|winner|champion|victory|let\s+me\s+lose|i\s+lose|come\s+out\s+on\s+top|come\s+first|comes\s+first|beats?|outclass\w*|superior|ahead)\b",
        r"\b(?:rivals?|opponents?|competitors?|the\s+alternative|the\s+other\s+(?:kid|kid's|text|essay|composition|paper|copy|one|piece|candidate|pupil)|compare\s+me|any\s+pairing|set\s+beside|comparison)\b",
        r"\b(?:verdict|in\s+my\s+favou?r|my\s+way|for\s+me|voting\s+for|declar\w+|announce|decide\s+between|choice|asked\s+which|tip\s+the\s+scales|bump|put\s+(?:me|it)\s+(?:ahead|through))\b",
        r"\b(?:full\s+marks|(?:highest|top|higher|better|best)\s+(?:band|marks?|grades?|scores?|place)|top\s+score|score\s+me|grade\s+you|mark\s+me|point\s+you\s+give|an?\s+A\s*\*|the\s+maximum|rejected|notches)\b",
        r"\b(?:this|my)\s+(?:essay|text|piece|composition|paper|paragraph|script|answer|response|one|sentence)\b|\b(?:essay|text)\s+(?:one|two|a|b)\b|\bnumber\s+(?:one|two)\b",
        r"\b(?:criteria|rubrics?|marking|exam\s+board|scripts?|instructions?|rules|told\s+you|they\s+told|you\s+were\s+(?:told|handed|given)|memory)\b",
    )
]
SENTENCES = re.compile(r"[^\n.!?\s][^\n.!?]*[.!?]*")
ENOUGH = 2  # kinds of such words in what is said to a reader
ENOUGH_FOR_A_MACHINE = 1
LONGEST = 60  # words: in a page without full stops everything stands beside everything


def pleas(text: str) -> Iterator[tuple[int, int]]:
    """Sentences that ask whoever decides for a decision, in whatever words; two together where neither says it all."""
    spans = [found.span() for found in SENTENCES.finditer(text)]
    asks = [_asks(text[start:end]) for start, end in spans]
    yield from (span for span, one in zip(spans, asks, strict=True) if one)
    for i, ((start, _), (_, end)) in enumerate(pairwise(spans)):
        if not (asks[i] or asks[i + 1]) and "\n" not in text[start:end] and _asks(text[start:end]):
            yield start, end


def _asks(said: str) -> bool:
    if len(said.split()) > LONGEST:
        return False
    kinds = sum(bool(one.search(said)) for one in CONTEST)
    machine = kinds >= ENOUGH_FOR_A_MACHINE and MACHINE_READER.search(said) and ADDRESS.search(said)
    return bool(machine or (kinds >= ENOUGH and READER.search(said)))
