//! The phrases of the ConText algorithm, written for this project after the idea of its published lists.

use std::sync::LazyLock;

/// What a phrase does to the mentions it reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Denied or ruled out.
    Negated,
    /// Of a relative.
    Family,
    /// Suspected, possible, to be ruled out.
    Uncertain,
    /// Warned of, guarded against, a condition.
    Hypothetical,
    /// Of the past.
    Historical,
    /// Ends the reach of triggers before and after it.
    Stop,
    /// The same for all but family.
    Turn,
    /// Looks like a trigger and is none.
    Pseudo,
}

/// Where a phrase reaches to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To the end of the sentence.
    Forward,
    /// A few words on.
    Near,
    /// Some words back.
    Backward,
}

/// A token that matches the end of a statement: no word follows.
pub const END: &str = "$";
/// A token that matches a year.
pub const YEAR: &str = "<year>";

/// A phrase in lower-case words.
pub struct Phrase {
    /// Its words, [`END`] and [`YEAR`].
    pub tokens: Vec<&'static str>,
    /// How many words of a sentence it covers.
    pub length: usize,
    /// What it does.
    pub effect: Effect,
    /// Where to.
    pub reach: Reach,
}

/// All phrases, longest first, so that `no increase` is seen before `no`.
pub static PHRASES: LazyLock<Vec<Phrase>> = LazyLock::new(|| {
    let phrase = |text: &'static str, effect, reach| {
        let tokens: Vec<&str> = text.split_whitespace().collect();
        let length = tokens.iter().filter(|token| **token != END).count();
        Phrase { tokens, length, effect, reach }
    };
    let each = |(effect, reach, list): &(Effect, Reach, &'static str)| {
        let (effect, reach) = (*effect, *reach);
        list.split('|').map(move |text| phrase(text, effect, reach)).collect::<Vec<_>>()
    };
    let mut phrases: Vec<Phrase> = TRIGGERS.iter().flat_map(each).filter(|phrase| phrase.length > 0).collect();
    phrases.sort_by_key(|phrase| std::cmp::Reverse((phrase.length, phrase.tokens.len())));
    phrases
});

/// Phrases by effect and reach, separated by `|`.
const TRIGGERS: [(Effect, Reach, &str); 15] = [
    (
        Effect::Pseudo,
        Reach::Forward,
        "no increase|no change|no significant change|no interval change|no further|no relief|no improvement|no resolution|no response to|\
      no doubt|no question|no acute distress|no apparent distress|not only|not necessarily|not certain|not sure|not without|not improved|\
      not improving|not responding to|not controlled|not well controlled|not tolerate|cannot tolerate|cannot deny|can not deny|\
      without difficulty|without treatment|without therapy|without medication|without medications|without relief|without improvement|\
      without success|without incident|gram negative|rh negative|triple negative|negative pressure|history of present illness|\
      history and physical|history was obtained|history is obtained|history obtained|social history|surgical history|natural history|\
      by her daughter|by his daughter|by her son|by his son|by her mother|by his mother|by her father|by his father|by mother|by mom|\
      by family|with her mother|with his mother|with her father|with his father|with her daughter|with his son|with her son|\
      with his daughter|with her sister|with his brother|mother states|mother reports|mother says|mother noticed|mother noted|per mother|\
      per mom|father states|father reports|father says|daughter states|daughter reports|daughter says|son reports|son states|son says|\
      from the daughter|from the son|from the mother|from the father|old man|old woman|old male|old female|year old|years old|\
      past week|past month|past few days|past two days|past three days|past several days|likely to|risk factors|risk factor|\
      prior to|previous records|low risk for surgery|mother of|father of",
    ),
    (
        Effect::Negated,
        Reach::Forward,
        "no|not|denies|denied|deny|denying|without|w / o|no evidence of|no sign of|no signs of|negative for|absence of|free of|never had|\
      never|no history of|no complaints of|ruled out for|rules out|ruling out|ruled out|nor|neither|none of|unremarkable for|\
      fails to reveal|failed to reveal|did not reveal|does not have|no longer has|no new|no known|lack of|lacks|nontender without|\
      negative|patient is not|cannot see|doesn ' t|don ' t|didn ' t|isn ' t|wasn ' t|hasn ' t|haven ' t|hadn ' t|aren ' t|weren ' t|\
      nothing to suggest|nothing suggestive of|no reason to suspect|not consistent with|not suggestive of|unlikely to have|excludes|\
      excluded|were negative for|was negative for|is negative for|are negative for|: negative for",
    ),
    (
        Effect::Negated,
        Reach::Backward,
        "is negative|was negative|were negative|negative|not seen|not present|not identified|not found|not detected|not demonstrated|\
      not appreciated|not evident|not noted|not observed|absent|was ruled out|is ruled out|has been ruled out|were ruled out|ruled out|\
      : none|: no $|: denies|: denied|: absent|: negative|- denies $|- no $|- none $|( - )|was denied|is denied|were denied|was excluded|\
      is excluded|has been excluded|were excluded|excluded|is absent|are absent|none $|and has been ruled out|and was ruled out|and has been excluded|and was excluded",
    ),
    (
        Effect::Uncertain,
        Reach::Forward,
        "possible|possibly|probable|probably|likely|suspected|suspect|suspects|suspicion of|suspicion for|low suspicion for|\
      suspicious for|suspicious of|concern for|concerns for|concerning for|concerned about|concerned for|rule out|r / o|to rule out|\
      may have|might have|could have|could be|may be|might be|may represent|might represent|could represent|may reflect|\
      could reflect|questionable|presumed|presumptive|differential diagnosis includes|differential includes|differential diagnosis|\
      differential|evaluate for|evaluated for|evaluation for|evaluation of possible|assess for|look for|looking for|workup for|\
      work up for|worked up for|test for|testing for|versus|vs|cannot exclude|can not exclude|cannot rule out|can not rule out|\
      could not exclude|question of|?|worrisome for|not ruled out|unlikely to be|unlikely|unclear if|unclear whether|unknown if|\
      unknown whether|whether|not certain that|not certain if|not sure that|not sure if|unsure if|appears to be|appears to have|\
      seems to have|suggestive of|suggests|suggesting|compatible with|doubt|thought to be|thought to have|felt to be|equivocal for",
    ),
    (
        Effect::Uncertain,
        Reach::Backward,
        "is suspected|was suspected|suspected $|cannot be excluded|cannot be ruled out|could not be excluded|could not be ruled out|\
      can not be ruled out|can not be excluded|not be ruled out|not be excluded|not ruled out|not excluded|is possible|is likely|\
      is probable|is unlikely|unlikely|thought unlikely|vs|versus|is questionable|remains a possibility|is a possibility|\
      a possibility|in the differential|remains in the differential|is doubtful|is in question|most likely|?|pending $",
    ),
    (
        Effect::Hypothetical,
        Reach::Forward,
        "if|in case of|in the event of|should he|should she|should they|should you|should the patient|should there be|return for|\
      returns for|return to the emergency room|return to the er|return to the ed|return to the hospital for|come back for|come back with|\
      call for|call the office for|call us for|call the clinic for|seek care|seek medical attention|seek medical care|\
      seek immediate attention|risk of|risk for|at risk for|at risk of|risks|risks of|risks include|prevent|to prevent|prevention of|\
      prophylaxis for|prophylaxis against|prophylaxis of|protect against|vaccinated against|vaccination against|immunized against|\
      screening for|screen for|monitor for|monitored for|watch for|watched for|watch out for|look out for|observe for|\
      instructed to call for|possible complications|complications include|complications including|possible side effects|\
      side effects include|side effects including|side effects such as|warned of|warned about|unless",
    ),
    (
        Effect::Hypothetical,
        Reach::Near,
        "prn|p . r . n .|as needed for|as needed|p . r . n|prn for|p . r . n . for|when necessary for",
    ),
    (
        Effect::Hypothetical,
        Reach::Backward,
        "prophylaxis|screening|precautions|risk|prevention|vaccine|vaccination|screen",
    ),
    (
        Effect::Family,
        Reach::Forward,
        "mother|father|brother|brothers|sister|sisters|aunt|aunts|uncle|uncles|grandmother|grandfather|grandparents|parents|\
      parent|sibling|siblings|son|sons|daughter|daughters|cousin|cousins|maternal|paternal|family history|\
      family history of|family history is positive for|family history positive for|family history is significant for|\
      family history significant for|family history is notable for|family history is remarkable for|family history includes|\
      fh of|fh|fhx|relatives|relative|mom|dad|family members",
    ),
    (
        Effect::Family,
        Reach::Backward,
        "in his father|in her father|in his mother|in her mother|in her sister|in his sister|in his brother|\
      in her brother|in a sister|in a brother|in the father|in the mother|in both parents|in the family|in her family|in his family|\
      in father|in mother|in an aunt|in an uncle|in her aunt|in his uncle|in her maternal|in his maternal|in her paternal|\
      in his paternal|in a maternal|in a paternal|in a sibling|in a cousin|in siblings|in a grandparent|in her grandmother|\
      in his grandfather|runs in the family|in multiple family members|in several relatives|in relatives",
    ),
    (
        Effect::Historical,
        Reach::Forward,
        "history of|h / o|hx of|hx|past history of|past medical history of|past medical history significant for|\
      past medical history is significant for|past medical history|pmh|pmhx|medical history of|previous|previously|prior|status post|\
      s / p|remote|in the past|as a child|childhood|former|formerly|resolved|known history of|had had|discontinued|discontinue|\
      stopped|allergic to|allergy to|allergies to|intolerance to|intolerant of|recovered from|in <year>|cured of|used to have",
    ),
    (
        Effect::Historical,
        Reach::Backward,
        "years ago|year ago|months ago|weeks ago|month ago|in the past|as a child|in childhood|resolved|has resolved|\
      have resolved|last year|was discontinued|discontinued|was stopped|allergy|in remission|previously|many years before|\
      is cured|was cured",
    ),
    (
        Effect::Stop,
        Reach::Forward,
        "but|however|although|except|aside from|apart from|other than|though|yet|because|which|still|nevertheless|\
      presents with|presenting with|presented with|presents|complains of|complaining of|now|currently|who|otherwise|reports|endorses|\
      admits to|positive for|is on|was started on|started on|was given|given|treated with|;|patient|pt|, he|, she|, they|he has|she has|\
      he is|she is|here with|here for|here today|secondary to|due to|continue|start|today|remains on|therefore|admitted with|\
      admitted for|found to have|despite|instead|no complaints",
    ),
    (Effect::Turn, Reach::Forward, "and has|and is|and was|and had|, has|, had|, is|, was|and also"),
    (
        Effect::Negated,
        Reach::Forward,
        "not found to have|never found to have|no complaints of|no complaint of|not complain of",
    ),
];
