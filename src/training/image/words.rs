//! The prose of the chest network's model card and of its source attributes.
//!
//! Contract: no figure that is measured stands here; those come from the report.

use crate::{
    models::chest::{Settings, network::multiplications},
    training::papers::CardText,
};

/// The card and the attributes.
pub fn chest(settings: &Settings) -> (CardText, Vec<(&'static str, &'static str)>) {
    let card = CardText {
        details: details(settings),
        factors: FACTORS.into(),
        metrics: METRICS.into(),
        evaluation_data: EVALUATION.into(),
        training_data: TRAINING.into(),
        analyses: ANALYSES.into(),
        ethics: ETHICS.into(),
        caveats: CAVEATS.into(),
    };
    (card, ATTRIBUTES.to_vec())
}

fn details(settings: &Settings) -> String {
    let widths: Vec<String> = settings.widths.iter().map(ToString::to_string).collect();
    let millions = multiplications(&settings.widths, settings.side) as f64 / 1e6;
    format!(
        "A small residual convolutional network ({} channels; a strided convolution and a residual block per stage), \
         {millions:.0} million multiplications per reading{mirror}. The film is squashed to {side} × {side} pixels, whatever \
         its aspect ratio, because the films it was trained on were. It sees the histogram-equalised film and the local \
         contrast, so that exposure, window and gamma matter little. Weights are standardised while training and folded into \
         plain convolutions. The heat map shows integrated gradients from the average training film without the finding, \
          which is stored with the weights. A second output, linear in the same features, says whether the picture is an upright frontal \
         chest film at all; the Mahalanobis distance of the features to the nearer class of the training films says whether \
         it is like those.",
        widths.join(", "),
        mirror = if settings.mirror { "; the film and its mirror image are read and the answers averaged" } else { "" },
        side = settings.side,
    )
}

const FACTORS: &str = "Age, sex, ethnicity and machine are not in the data, so figures by them are unknown. What can be \
measured from the pixels is reported: brightness, contrast, and each kind of shift on its own.";

const METRICS: &str = "AUROC, because it does not depend on the threshold; accuracy, sensitivity, specificity and PPV at the \
served threshold. Calibration is Platt scaling on tuning films. The threshold is one half and fitted on nothing. Two other \
threshold rules were tried first and given up when their accuracy was seen on validation films, so that choice is not wholly \
independent of them. Conformal answers promise for each class a share of \
films, like the tuning films, for which the true answer is among those that remain; the share is the smallest from 90 % up at \
which every film has an answer.";

const EVALUATION: &str = "Films of patients that were neither trained nor tuned on (15 % of patients, chosen by a digest of the \
patient's key). Nothing was fitted on them; the rule for the threshold was changed once after seeing them. Figures named `shift_…` are measured on the same films changed by code (seeded): \
`exposure` (gamma, contrast, brightness, slopes), `geometry` (turned, scaled, moved), `quality` (blur, noise), `tone` (tone \
curve, edge enhancement), `borders` (collimation, markers, patches), `jpeg` (strong compression); `shifted` is all of them \
together. `auroc_across_looks` sets ill films of one look (a cluster of brightness, contrast, sharpness and borders) against \
well films of another and gives the worst pair of looks: what remains when the look says nothing about the illness.";

const TRAINING: &str = "Every film is shown turned, scaled, mirrored, exposed, blurred, compressed, collimated and covered in \
parts at random. Within each look ill and well films weigh the same, so that the look is no short cut. One picture in seven is \
no chest film: chest films turned by quarters, upside down, inverted, cut up, enlarged or shrunken, and limbs, scenes, pages \
and noise drawn by chance. No other patient's film was used for that. The films were published labelled by two experts, the \
test part checked by a third. The shipped weights come from a run planned for 18 epochs; it was continued \
with other numbers of epochs after the tenth and the thirteenth (the machine was shared), each of which changes the course \
of the learning rate, so the command above gives weights that differ a little.";

const ANALYSES: &str = "Intervals resample patients.";

const ETHICS: &str = "The films were published de-identified by the hospital that took them. A missed pneumonia in a young \
child can be fatal and a false alarm can mean needless antibiotics: the network only asks for a film to be read. It may do \
worse for children unlike those of one Chinese hospital, and nobody has measured that.";

const CAVEATS: &str = "- One hospital, children of one to five years, films chosen for a data set: expect worse elsewhere, \
and less alarm where pneumonia is rarer.
- The network may use what goes with illness without being it: position, collimation, lines and tubes, the age of the child. \
The heat map says where the score comes from, not that the reason is medical.
- It refuses films that are stated to be something else, that are blank or noise, that do not look like an upright frontal \
chest film, or that are unlike the training films; the limits are in the manifest. A film that passes may still be unsuitable.
- Films of older patients are read, and the card says under *Missing* that none were learned from; `age_end_years` in the \
limits makes it decline them.
- Not a medical device.";

const ATTRIBUTES: [(&str, &str); 18] = [
    ("funding", "none"),
    (
        "output",
        "Calibrated probability that a frontal chest film shows pneumonia, with a conformal answer of stated coverage",
    ),
    ("intended-patients", "Children of one to five years with a frontal chest film"),
    ("intended-users", "Clinicians who look after such children and radiologists; not patients or parents"),
    (
        "known-risks",
        "Missed pneumonia; false alarms; worse results at other hospitals, ages and machines; reliance on position or \
         equipment instead of disease; films of adults are read with a note",
    ),
    (
        "sensitive-inputs",
        "Only the film is an input. The age is used to say that older patients were not in the training data; sex, race, \
         ethnicity, language and social determinants are not used",
    ),
    ("representativeness", "One hospital in Guangzhou, China, ages one to five; sex and ethnicity are not published"),
    (
        "relevance",
        "Like the training data only in young children; unlike adults' and other hospitals' films in unknown measure",
    ),
    (
        "fairness-approach",
        "Figures by brightness, contrast and simulated shift; by persons' characteristics impossible, as the data have none",
    ),
    (
        "bias-reduction",
        "Equalised input, strong changes of every training film, equal weight of ill and well films within each look, and \
         refusal of films unlike the training data",
    ),
    ("external-source", "none"),
    ("external-party", "none"),
    ("external-representativeness", "none"),
    ("external-process", "none; the shifts are simulated on films of the same hospital"),
    (
        "validity-monitoring",
        "Every answer and every feedback is recorded; the deployer decides how often they are reviewed",
    ),
    ("fairness-monitoring", "As for validity; the record holds what the chart says of the patient"),
    (
        "update-process",
        "Retrained by the project when the software or the data change; the version and its figures change with it",
    ),
    ("outcome-studies", "none"),
];
