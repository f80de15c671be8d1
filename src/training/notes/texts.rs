//! The prose of the card and of the source attributes.

use crate::{models::Manifest, training::papers::CardText};

/// Source attributes that are not computed.
pub const ATTRIBUTES: [(&str, &str); 19] = [
    ("funding", "None; a volunteer open-source project"),
    (
        "output",
        "Mentions of diseases and drugs with their place in the note, a calibrated probability that borders and kind are right, how each is meant, and an ICD-10-CM code where the project's table has one",
    ),
    ("output-type", "classification"),
    ("intended-patients", "Any patient with clinical notes in English"),
    ("intended-users", "Clinicians who compare notes with the problem list"),
    (
        "known-risks",
        "Mentions are missed, cut short or found where there are none; a problem denied or of a relative may be read as the patient's; trained on abstracts, so worse on notes than its figures",
    ),
    (
        "sensitive-inputs",
        "None is an input of its own, but notes name age, sex, race and health in their text, and the text is the input",
    ),
    ("representativeness", "unknown: the corpora do not say whom their abstracts describe"),
    (
        "relevance",
        "PubMed abstracts of 1980 to 2012 in place of notes; sentences like those of notes were made up from templates",
    ),
    ("fairness-approach", "None: the data hold no characteristics of patients"),
    ("bias-reduction", "None"),
    ("external-source", "none"),
    ("external-party", "none"),
    ("external-representativeness", "none"),
    ("external-process", "none"),
    ("outcome-studies", "none"),
    ("validity-monitoring", "Feedback on cards is recorded; nobody is scheduled to review it"),
    ("update-process", "With a release, when better weights are trained"),
    ("correction-schedule", "none fixed"),
];

/// The card.
pub fn card(manifest: &Manifest, sentences: usize, tuned: usize) -> CardText {
    let number = |key: &str| manifest.input.get(key).map_or_else(String::new, ToString::to_string);
    CardText {
        details: format!(
            "all-MiniLM-L6-v2 (BERT, {} layers, width 384) with {} of its word pieces, fine-tuned; the pieces' own vectors stay as they were. Beside them it sees, \
             for every word, its letter case (as token type) and a 64-number vector learned by skip-gram with letter groups (Bojanowski et al., TACL 2017) from \
             unlabelled medical text. Sentences that follow each other are read in windows of up to 256 pieces, so that each is the others' context. A linear \
             layer and a linear-chain conditional random field (Lafferty et al., ICML 2001) tag the first piece of every word `O`, `B-`/`I-Disease`, \
             `B-`/`I-Chemical`; the best legal sequence of the words' marginal probabilities gives the mentions. Rules in code (ConText: Harkema et al., J Biomed \
             Inform 2009;42:839), not the network, decide whether a mention is stated, denied, suspected, of a relative or of the past. A table of common problems, \
             written for this project from public code lists, gives ICD-10-CM codes.",
            number("layers"),
            number("vocabulary")
        ),
        factors: "Corpus (NCBI-disease marks diseases only, in abstracts about genetics; BC5CDR marks diseases and chemicals, in abstracts about side effects). Patients are not described.".into(),
        metrics: "Exact span: both borders and the kind are right, and the mention reaches its threshold. Thresholds: the highest F1 on tune. Probability: Platt scaling of \
                  the weakest word's log-odds on tune. `f1_given_words_…` is measured on the corpora's own words and sentences, the other figures on plain text, cut into \
                  words and sentences as in service."
            .into(),
        evaluation_data: "The `devel` files of both corpora, ten sentences a note (the files do not mark where an abstract ends); intervals draw runs of fifty sentences again. \
                          Nothing was chosen on them. The `test` files were not read."
            .into(),
        training_data: format!(
            "{sentences} sentences of the `train` files of NCBI-disease and BC5CDR; {tuned} more (every tenth run of fifty) chose the epoch, the calibration and the thresholds. \
             NCBI-disease does not mark chemicals: there, words outside diseases were not held against the chemical tags. Letter case, full stops and headers are varied, and \
             short notes made up from templates with common problems and drugs."
        ),
        analyses: String::new(),
        ethics: "Word vectors and vocabulary come from the words of the corpora, BC2GM, AnatEM, MACCROBAT2020, OHSUMED, MedQuAD and MTSamples (training parts); words are \
                 told apart by hash, and no text of any is in this folder."
            .into(),
        caveats: format!(
            "**Trained on abstracts, used on notes.** It has not been measured on real clinical notes with marked mentions: expect it to be worse there, and its probabilities \
             to be too high. Symptoms (`chest pain`, `fever`) count as diseases, as in BC5CDR; procedures, findings and devices are not sought. Denial, doubt and family are found \
             by rules over one sentence. At most {} word pieces (about 700 words) are read per call, newest note first; the answer says what was left out. Notes in other \
             languages are refused by a word-list filter, which can err on very short texts.",
            number("pieces_max")
        ),
    }
}
