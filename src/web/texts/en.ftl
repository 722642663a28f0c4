### The texts of the pages: all that a person reads there.
###
### A hospital writes another file like this one, with the same names and its own words, and starts the service with `--texts FILE`. What the file
### lacks stays English. Words between { and } come from the page and may stand elsewhere in the sentence; where a text counts something, it may
### have a form for each number that the language tells apart (https://projectfluent.org). `abstractor texts` prints this file.

# The language of the texts (a tag like de or pt-BR), and ltr or rtl: where a line of it begins
language = en
direction = ltr

## The frame of every page

product = Abstractor
frame-skip = Skip to the content
frame-pages = Pages
frame-queue = Queue
frame-codes = Code book
frame-second-reviews = Second-level review
frame-settings = Settings
frame-preferences = Preferences
frame-account = Account
frame-about = About
frame-sign-out = Sign out

## Signing in

sign-in-title = Sign in
sign-in-name = Login name
sign-in-password = Password
sign-in-or-code = Or, without a password:
sign-in-code = Sign-in code or token
sign-in-about-code = A one-time code from your administrator, or the token of a coder or lead. It begins with { $beginning }.
sign-in-second = One more step
sign-in-second-code = Code of your authenticator app, or a recovery code
sign-in-second-hint = The app shows another code every half minute. Each code works once.
sign-in-again = Sign in anew
sign-in-oidc = Sign in with your hospital account
sign-in-oidc-code = One-time code
sign-in-oidc-about-code = A one-time code from your administrator. It begins with { $beginning }.
sign-in-oidc-code-refused = This code does not work. A sign-in code works once and only for a short time; ask for a new one.
sign-in-oidc-left = You are signed out here. Your hospital account may still be signed in.
sign-in-oidc-end = Sign it out too
sign-in-oidc-again = This sign-in took too long, was used before, or was begun in another window. Sign in again.
sign-in-oidc-refused = Your hospital account did not let you in. Sign in again, or ask those who look after it.
sign-in-oidc-away = The sign-in of your hospital cannot be reached now. Try again in a minute; a one-time code from your administrator works meanwhile.
sign-in-oidc-unusable = The answer of your hospital's sign-in cannot be used. Tell your administrator: the log says why.
sign-in-oidc-second-factor = Your hospital account was used without the second factor that is needed here. Sign in again with it.
sign-in-oidc-no-account = Your hospital account has no account here that can be used on these pages. Ask your administrator for one.
sign-in-oidc-no-end = The sign-in of your hospital has no place to sign out. Close the browser instead.
sign-in-oidc-none = There is no sign-in with a hospital account here.
signed-in-title = Signed in
signed-in-go-on = Go on to your work
sign-in-for-review = Suggestions of Abstractor are for review by a qualified coder; they are no diagnosis and no bill.

## Pages that say one thing

message-to-queue = To the queue

## The queue

queue-title = Queue
queue-lists = Lists of encounters
queue-take-next = Take the next
queue-take-next-which = The first of this list that you may take; what is assigned to you comes first
queue-narrow = Filter and sort
queue-order = First comes
queue-note-type = Type of note
queue-department = Department
queue-class = Class
queue-priority = Priority
queue-payer = Payer
queue-team = Team
# Where nothing is asked for
queue-any = any
queue-service-from = Service from
queue-service-to = to
queue-with-alert = with an alert
queue-with-unsure = with something uncertain
queue-show = Show
queue-show-all = All of them
queue-save-as = Save this list as
queue-save = Save
queue-yours = Yours
queue-open = Open
queue-encounters = Encounters
queue-nothing-waits = Nothing waits for review.
queue-empty = No encounters here.
queue-list-pages = Pages of the list
queue-first-page = First page
queue-next-page = Next page
# Columns
queue-column-patient = Patient
queue-column-encounter = Encounter
queue-column-notes = Notes
queue-column-service = Service
queue-column-to-decide = To decide
queue-column-why = What there is
queue-column-state = State
queue-column-age = Age
queue-restricted = restricted
queue-unread = ({ $count } unread)

## An encounter

item-for = for { $name }
item-for-team = for the team { $team }
item-to-decide = { $number } to decide of { $total }
item-unread = { $count ->
    [one] { $count } note unread
   *[other] { $count } notes unread
}
item-being-read = { $count ->
    [one] { $number } note still being read
   *[other] { $number } notes still being read
}
item-claim = Claim
item-undo-what = Takes back what you decided last: { $what }
item-undo-nothing = There is nothing to take back
item-undo = Undo
item-release = Release
item-override = Why hard edits may stand
item-override-none = a hard edit stands ...
item-finish = Finish
item-more = More…
item-lay-aside = Lay aside
item-reason = Reason
item-choose = choose…
item-until = Until the morning of (or until it is taken)
item-comment = Comment
item-pass-up-legend = Pass up to the leads
item-pass-up = Pass up
item-assign = Assign
item-assign-to = To
item-assign-nobody = whoever takes it
item-assign-team = Team
item-assign-no-team = no team
item-reopen = Back into the queue
item-reopen-why = Why
item-next = Next encounter
item-keys = Keys
item-entries = Entries
item-whole = The whole encounter
item-group-to-decide = { $total }, { $count } to decide
item-accept-together = Accept { $number } sure
item-accept-together-which = Those on which the engine is sure, that nothing is asked about, and whose words were on your screen
item-less-sure = Less sure
item-nothing-yet = Nothing yet: the notes are still being read.
item-nothing-found = Nothing was found in these notes.
item-codes = Codes of this encounter
item-no-principal = No principal diagnosis is named yet ({ $key } at its entry).
item-without-indicator = { $count ->
    [one] Of { $count } code it is not said whether present on admission ({ $key } at its entry).
   *[other] Of { $count } codes it is not said whether present on admission ({ $key } at its entry).
}
item-present-on-admission = present on admission
# "Present on admission", as short as coders say it, with the letter of the claim
item-poa = POA { $letter }
item-copy = Copy
item-export = Export as CSV
item-edits = Code edits
item-edits-stood = Finished although hard edits stood: { $reason }
item-lists = Medication lists
item-lists-which = home, in hospital, discharge
item-lists-of = Medication lists of { $note }
item-list-medication = Medication
item-list-home = Home
item-list-inpatient = In hospital
item-list-discharge = Discharge
item-list-now = Now
item-aside = Negated, family, hypothetical
item-hidden = Hidden by you
item-add-heading = Add what is missing
item-add-without-place = Without this place
item-add-kind = Kind
item-add-name = Name, as the note says it
item-add-system = Code system
item-add-code = Code, or words to find one
item-add = Add
item-second-looks = Second-level review
item-remarks = Remarks
item-remark-for = For those who work on it after
item-remark-keep = Keep
item-history = History of this encounter
item-notes = Notes
item-note-unread = unread
item-note-changed = what changed
item-note-sections = Sections
item-note-sections-of = Sections of { $note }
item-note-text-of = Text of { $note }
# The list of keys
item-keys-key = Key
item-keys-what = What it does
item-key-next = next entry
item-key-previous = previous entry
item-key-undecided = next entry to decide
item-key-accept = accept the entry
item-key-reject = reject: choose a reason, then Enter on “Reject”
item-key-amend = amend; in the field of the code, words find codes
item-key-principal = this is the principal diagnosis
item-key-present = present on admission: choose, then Enter
item-key-choose = amend to the code of that number: the choices that a question offers, else the alternatives
item-key-hide = hide this suggestion for me, or show it again
item-key-add = add the words that are selected in a note
item-key-undo = undo your last decision
item-key-evidence = show the first evidence in the note
item-key-take = take the next encounter, when this one is finished
# What stands on the key
item-escape = Esc
item-key-escape = leave a form
item-key-help = this list
item-change-keys = Change keys
item-close = Close
# Then the queries, with semicolons between, then the last sentence
item-before-finish = Before you finish:
item-query-waits = { $query } waits for the provider’s answer
item-query-answered = { $query } is answered and not closed
item-may-finish = Finishing is possible all the same; the queries stay open.

## An entry of an encounter

entry-to-decide = to decide
entry-gone = no longer said
entry-no-code = Documented, code not determined
entry-code-with = with { $code }
entry-confidence = Probability that the first code is right
entry-sure = { $confidence } sure
entry-tally = What coders here made of this same suggestion
entry-more-specific = More specific codes for { $entry }
entry-evidence = Evidence
entry-place-because = { $place }, because of { $cues }
entry-more-places = { $count ->
    [one] { $count } more place
   *[other] { $count } more places
}
entry-decisions = Decisions
entry-accept-what = Accept { $entry }
entry-accept = Accept
entry-take-back-what = Take back the decision on { $entry }
entry-take-back = Take back
entry-reject-fold = Reject…
entry-amend-fold = Amend…
entry-designate-fold = Principal…
entry-designate-fold-poa = Principal, POA…
entry-reason = Reason
entry-choose = choose…
entry-comment = Comment
entry-reject = Reject
entry-code-instead = Code instead
entry-code-as-typed = as it is, or as typed below
entry-code-system = Code system
entry-another-code = Another code, or words to find one
entry-look-up = Look it up in the code book (new tab)
entry-status = Status
entry-assertion = What the note says of it
entry-as-it-is = as it is
entry-directions = Strength, dose, route, how often, as one would write it
entry-reactions = Reactions, with semicolons between
entry-severity = Severity
entry-not-said = not said
entry-allergy-type = Type
entry-amend = Amend
entry-role = What it is to the encounter
entry-present = Present on admission
entry-sequence = Place among the secondary ones
entry-keep = Keep
entry-show-again-what = Show again: { $entry }
entry-hide-what = Hide for me: { $entry }
entry-show-again = Show again
entry-hide = Hide for me
entry-query-about = Query… about { $entry }
entry-query = Query…
entry-why-fold = Why this code
entry-found-by = found by { $sources }
entry-alternatives = Alternatives

## Queries of an encounter

queries-title = Queries
queries-kind-about = { $kind }, about { $about }
queries-answer = Answer:
queries-quotes = What it quotes and offers
queries-done = What was done with it
queries-send-which = Send the query { $query }
queries-send = Send
queries-edit = Edit
queries-print = To print
queries-record-fold = Record the answer…
queries-chosen = What the provider chose
queries-words-alone = none of them: in words alone
queries-words = The provider’s words
queries-provider = Who answered
queries-record = Record the answer
queries-close-fold = Close…
queries-effect = What the answer led to
queries-choose = choose…
queries-comment = Comment
queries-close = Close the query
queries-withdraw-fold = Withdraw…
queries-withdraw = Withdraw the query
queries-ask-about = Ask the provider about
queries-encounter = the encounter
queries-draft-fold = Draft a query…

## Drafting a query

draft-page = Query
draft-title = Query to the provider
draft-about = about { $about }
draft-back = Back to the encounter
draft-not-saved = Not saved:
draft-go-on = Go on
draft-rules = Title and question name no diagnosis that the notes do not say, and nothing about payment.
draft-title-field = Title
draft-indicators = Clinical indicators: words of the notes, as they stand there
draft-quotation = Quotation { $number }
draft-quotation-note = Quotation { $number } stands in
draft-question = Question
draft-answers = Answers to choose from; leave empty what the indicators do not support
draft-choice = Choice { $number }
draft-always-offered = Always offered beside: { $first }; { $second }.
draft-save = Save the draft
draft-send = Save and send

## A query on paper

print-page = Query
print-back = Back to the encounter
# $asked is who asks, and since when
print-about = Query to the provider, { $state }. Asked by { $asked }. Number { $number }.
print-indicators = Clinical indicators
print-question = Question
print-answers = Answers
print-please = Please answer by your own clinical judgment, and document the answer in the record of the patient. That a question is asked does not mean that a particular answer is expected.
print-provider = Name of the provider
print-signature = Signature
print-date = Date and time

## A decision that was not taken because something changed meanwhile

conflict-page = Not saved
conflict-title = Not saved: { $entry }
conflict-kept = Your choice was not stored; it is kept on this page.
conflict-chosen = What you chose
conflict-now = How it stands now
conflict-claim-again = Claim it again and save my choice
conflict-save-anyway = Save my choice all the same
conflict-leave = Leave it as it stands now

## The history of an encounter

history-title = History
history-back = Back to the encounter
history-when = When
history-who = Who
history-what = What

## Versions of a note

compare-title = Versions
compare-back = Back to the encounter
compare-text = The text with what changed

## The code book

codes-title = Code book
codes-search-for = Words, an abbreviation, or a code
codes-search = Search
codes-chapters = Chapters
codes-none = No code has these words. Try fewer, or the beginning of a code.
codes-substance = Table of Drugs: { $substance }
codes-above-block = Above
codes-above-code = Codes above
codes-all-chapters = All chapters
codes-chapter = Chapter { $number }: { $title }
codes-blocks = Blocks
codes-categories = Categories
codes-no-favourite = No favourite any more
codes-favourite = Make it a favourite
codes-hcc = HCC { $categories }
codes-replaces = stands for the retired { $codes }
codes-retired = Retired.
codes-retired-nothing = Nothing is known that stands for it.
codes-retired-instead = Retired: use instead
codes-below = Below
codes-seventh-characters = Seventh characters
codes-in-index = In the index
codes-more-paths = and { $count } more
codes-in-drugs = In the Table of Drugs
codes-table = Codes
codes-column-code = Code
codes-column-title = Title
codes-column-claim = On a claim
codes-column-hcc = HCC
codes-billable = yes
codes-not-billable = no, more specific below
codes-note-at = at { $code }

## About this installation

about-page = About
about-title = About this installation
about-running = Abstractor { $version } · model { $model } · vocabularies { $checksum }
about-for-review = Suggestions are for a trained person to review.
about-programs = For programs: { $api }.
about-api = the API
about-editions = Code editions
about-table = Table
about-edition = Edition
about-first-day = Holds from
about-last-day = to
about-codes = Billable codes
about-sources = Sources
about-source = Source
about-release = Release
about-licence = Licence
about-attribution = Attribution
about-not-loaded = Not loaded

## Preferences

preferences-title = Preferences
preferences-keys = Keys
preferences-what = What it does
preferences-key = Key
preferences-usual = Usual
preferences-keep-keys = Keep these keys
preferences-favourites = Favourite codes
preferences-no-favourites = None yet: the code book has a button at every code that can be reported.
preferences-forget-favourite = { $code } is no favourite any more
preferences-remove = Remove
preferences-lists = Saved lists
preferences-no-lists = None yet: the queue saves a list that you filtered.
preferences-forget-list = Forget the list { $list }
preferences-hidden = Hidden suggestions
preferences-hidden-count = { $count } hidden.
preferences-show-all = Show all again

## Second-level review

reviews-title = Second-level review
reviews-to-look-at = To look at
reviews-nothing-waits = Nothing waits. Which finished encounters are drawn is set under { $settings }.
reviews-encounter = Encounter
reviews-coder = Coder
reviews-waits = Waits
reviews-review = Review
reviews-blinded = blinded
reviews-done = Done
reviews-overall = Over those listed: { $agreement }.
reviews-reviewer = Reviewer
reviews-when = When
reviews-result = Result
reviews-worksheet = Worksheet
reviews-finished-by = finished by { $name }
reviews-all = All reviews
reviews-the-encounter = The encounter
reviews-blinded-codes = All codes that you would give, the principal one first
reviews-agreed = agreed
reviews-wrong = wrong
reviews-error = What is wrong
reviews-instead = Instead
reviews-comment = Comment
reviews-missing = Codes that are missing
reviews-principal-changed = another principal diagnosis should be named
reviews-comment-whole = Comment on the whole
reviews-keep = Keep the review
reviews-code = Code
reviews-verdict = Verdict
reviews-remarks = Remarks
reviews-notes = Notes

## Settings

settings-title = Settings
settings-thresholds = Thresholds
settings-shown-from = Shown at once from this confidence on, in percent
settings-shown-from-hint = What is below is folded as “less sure”. Allergies are always shown.
settings-together-from = May be accepted together from this confidence on, in percent
settings-together-from-hint = 50 to 100. Never what payment hangs on, or what is asked or alerted about.
settings-second-review = Second-level review, one rule a line
# The words of the examples are not translated: they are typed so
settings-second-review-hint = Percent of the finished encounters, then what it concerns: { $all }, { $coder }, { $most } (five a day of each coder), { $code }, { $payment }.
settings-keep = Keep
settings-people = People
settings-login-name = Login name
settings-role = Role
settings-sees = Sees
settings-restricted-too = { $scope }, restricted notes too
settings-disabled = disabled
settings-people-hint = An administrator adds people here, or with { $command }.
settings-change-people = Add, change or disable people
settings-teams = Teams
settings-no-teams = There are none yet.
settings-change-lists = Change teams and reasons
settings-see-lists = Teams and reasons with their versions
settings-templates = Templates of queries
settings-reasons = Reasons that are asked for
settings-in-use = In use
settings-model = Model
settings-vocabulary = Vocabulary
settings-sources = Editions and sources

## Reasons and teams, to be changed

lists-page = Lists
lists-title = Reasons, teams and rules
lists-settings = Settings
lists-templates = Templates of queries
lists-as-delivered = as delivered
lists-version = version { $number }
lists-not-kept = Not kept: { $problem }.
lists-keep = Keep
lists-versions = Versions

## Templates of queries, to be changed

templates-title = Templates of queries
templates-as-delivered = as delivered
templates-version = version { $number }
templates-settings = Settings
templates-lists = Reasons and teams
templates-hint = { $condition } stands for the words of the record. No word about payment or scores, no diagnosis that the record may not have; the answers “Other” and “Unable to determine” are added to each.
templates-another = Another template
templates-own = { $key }, the site’s own
templates-not-offered = not offered
templates-not-kept = Not kept: { $problem }.
templates-key = Name for programs: lower-case letters, digits and _
templates-kind = Why one asks
templates-codes = Beginnings of the codes that it is for; empty = any
templates-title-field = Title
templates-question = Question
templates-choices = Answers to choose from, one a line
templates-offered = offered to coders
templates-keep = Keep
templates-versions = Versions

## The API as a page to read

reference-title = API
reference-about = Every call but the health of the service carries { $header }. Errors are problem documents (RFC 9457) with a stable { $code }. For programs: { $file }.
reference-parameters-of = Parameters of { $method } { $path }
reference-parameter = Parameter
reference-in = In
reference-is = Is
reference-what = What
reference-required = required
reference-takes = Takes { $media }:
reference-objects = Objects
reference-one-of = One of { $words }
reference-fields-of = Fields of { $name }
reference-field = Field

## Words of the contract, as people read them

# Why a hard edit may stand
override-documented = the documentation supports it
override-asked = the provider was asked
override-unrelated = the conditions are unrelated
override-payer = the payer asks for it
# Kinds of entries: headings, and one of a kind
kinds-diagnoses = Diagnoses
kinds-medications = Medications
kinds-allergies = Allergies
kind-diagnosis = diagnosis
kind-medication = medication
kind-allergy = allergy
kind-no-known-allergies = no known allergies
# What the note says of it
assertion-present = present
assertion-historical = history of
assertion-absent = negated
assertion-possible = possible
assertion-hypothetical = hypothetical
assertion-family = family
# Status of a medication
status-active = active
status-given = given
status-discontinued = discontinued
status-hypothetical = hypothetical
status-absent = absent
# What a code says of its entry
code-role-ingredient = ingredient
code-role-drug = clinical drug
code-role-class = drug class
code-role-allergy-status = allergy status
# What a diagnosis is to the encounter
diagnosis-principal = principal
diagnosis-secondary = secondary
diagnosis-admitting = admitting
# Why a code may not be reported
not-reportable-negated = the note denies it
not-reportable-family = it is a relative’s
not-reportable-hypothetical = it is only a risk or a plan
not-reportable-uncertain = uncertain diagnosis of an outpatient encounter (Official Guidelines IV.H)
not-reportable-class-unknown = uncertain diagnosis, and the class of the encounter is not known
not-reportable-no-code = no code was determined
not-reportable-no-diagnosis = medications and allergies are not reported as diagnoses
not-reportable-gone = no note says it any more
# Class of an encounter
class-inpatient = inpatient
class-outpatient = outpatient
class-emergency = emergency
class-unknown = not given
# Class of a payer
payer-medicare = Medicare
payer-medicare-advantage = Medicare Advantage
payer-medicaid = Medicaid
payer-commercial = commercial
payer-government = government
payer-workers-compensation = workers’ compensation
payer-self = self-pay
payer-other = other payer
# How soon an encounter is to be coded
priority-stat = stat
priority-asap = asap
priority-urgent = urgent
priority-routine = routine
# State of an encounter
state-open = open
state-claimed = claimed
state-pended = pended
state-finished = finished
# State of an entry
entry-state-suggested = suggested
entry-state-accepted = accepted
entry-state-amended = amended
entry-state-rejected = rejected
entry-state-added = added
entry-state-withdrawn = withdrawn
# Roles of users
role-submitter = submitter
role-coder = coder
role-lead = lead
role-auditor = auditor
role-admin = admin
# How an edit weighs
severity-hard = hard
severity-soft = soft
severity-informational = informational
# What became of a medication
change-started = started
change-increased = increased
change-decreased = decreased
change-resumed = resumed
change-continued = continued
change-held = held
change-stopped = stopped
# How a reaction weighs, and what an allergy is
allergy-mild = mild
allergy-moderate = moderate
allergy-severe = severe
allergy-criticality-high = high
allergy-criticality-low = low
allergy-type-allergy = allergy
allergy-type-intolerance = intolerance
# What was decided before the notes changed, and why it does not hold any more
change-evidence-changed = { $state } by { $name } before; a newer version says it otherwise: decide again
change-evidence-gone = { $state } by { $name } before; no note says it any more
# A note that does not count
standing-replaced = A newer version stands in the place of this note; its words do not count.
standing-purged = This note was purged; nothing of it is left.
standing-retracted = Its sender took this note back; its words do not count.
# What there is in an encounter
benefit-alerts = { $count ->
    [one] { $count } alert
   *[other] { $count } alerts
}
benefit-hard-edits = { $count ->
    [one] { $count } hard edit
   *[other] { $count } hard edits
}
benefit-payment = { $count ->
    [one] { $count } payment code
   *[other] { $count } payment codes
}
benefit-unsure = { $count } unsure
benefit-questions = { $count ->
    [one] { $count } question
   *[other] { $count } questions
}
benefit-nothing = nothing to decide
benefit-routine = routine
# What was said of an encounter as a whole
remark-pended = laid aside: { $reason }
remark-escalated = passed up: { $reason }
remark-assigned = assigned to { $name }
remark-team = given to the team { $team }
remark-nobody = assigned to nobody
remark-reopened = back into the queue: { $reason }
remark-said = said
remark-until = { $remark }, until { $time }
remark-comment = { $remark }: “{ $comment }”
# Events of a history
event-note-stored = note { $number } arrived
event-note-retracted = note { $number } taken back by its sender
event-note-replaced = note { $number } replaced by another
event-note-current = note { $number } counts again
event-note-purged = note { $number } purged
event-note-quarantined = note { $number } could not be read automatically
event-note-retried = note { $number } is read once more
event-note-read = note { $number } read by the engine
event-claimed = claimed
event-released = given back
event-finished = finished
event-closed = closed: none of its notes counts any more
event-overridden = finished although hard edits stood
event-reopened = open again
event-routed = sent where the rules of worklists say
event-exported = its codes were exported
event-broken-glass = opened under break-glass
event-drawn = drawn for a second look
event-reviewed = looked at again
# Present on admission: the letter of the claim, and what it means
present-yes = Y: present on admission
present-no = N: arose during the stay
present-unknown = U: the documentation does not tell
present-undetermined = W: the provider cannot determine it
present-exempt = 1: exempt from reporting
# What a reviewer says of a code, and what is wrong with it
verdict-agreed = agreed
verdict-wrong = wrong
verdict-missed = missed
error-not-documented = not documented
error-unspecific = a more specific code is documented
error-wrong-code = another code is documented
error-not-reportable = not to be reported
error-sequence = place or role
error-present = present on admission
# How suggestions like one ended so far
tally = accepted { $accepted } of { $total } times
# How long ago
age-now = now
age-minutes = { $count } min
age-hours = { $count } h
age-days = { $count } d
# Words that were not written for this patient today
boilerplate-template = template text
boilerplate-repeated = repeated text
boilerplate-copied = copied from an earlier note
boilerplate-education = general information, not about this patient
# What notes of the classification say
note-kind-inclusion = Also called
note-kind-includes = Includes
note-kind-excludes1 = Excludes1: never coded together
note-kind-excludes2 = Excludes2: not included here, may be coded together
note-kind-code-first = Code first
note-kind-use-additional = Use additional code
note-kind-code-also = Code also
note-kind-seventh = Seventh character
note-kind-note = Note
# How a substance did harm
intent-accidental = poisoning, accidental
intent-intentional = poisoning, intentional self-harm
intent-assault = poisoning, assault
intent-undetermined = poisoning, undetermined
intent-adverse-effect = adverse effect
intent-underdosing = underdosing
# Notes, patients, holders
note-number = note { $number }
note-number-kind = note { $number } ({ $kind })
note-kind-unknown = note
note-source = from { $source }
patient-record = Record { $number }
held-by = held by { $name }
held-by-until = held by { $name } until { $time }
held-by-you = held by you
held-by-you-until = held by you until { $time }


## What a page says after a change

notice-claimed = The encounter is yours for 30 minutes; every decision renews that.
notice-released = The encounter is back in the queue.
notice-finished = The encounter is finished.
notice-pended = The encounter is laid aside; it comes back when its time has passed, or a note arrives.
notice-escalated = The encounter is with the leads.
notice-assigned = Assigned.
notice-remarked = Kept with the encounter.
notice-reopened = The encounter is open again; its decisions stand.
notice-accepted = Accepted.
notice-amended = Amended.
notice-rejected = Rejected.
notice-added = Added.
notice-kept = Kept.
notice-withdrawn = Taken back.
notice-accepted-together = Accepted together. Undo takes all of them back.
notice-reviewed = The review is kept.
notice-list-saved = The list is saved; it stands beside the others.
notice-nothing-waits = Nothing waits for review.
problem-held = Not done: another coder holds this encounter.
problem-not-held = Not done: you do not hold this encounter, or your 30 minutes ran out. Claim it and try again.
problem-already-finished = Not done: the encounter is finished.
problem-assigned-to-other = Not done: this encounter is assigned to another coder.
problem-for-leads = Not done: this encounter was passed up; a lead takes it, or assigns it.
problem-for-team = Not done: this encounter is another team’s; a member of it or a lead takes it.
problem-cannot-assign = Not done: nobody of this name works on encounters like this one.
problem-time-past = Not done: choose a day to come.
problem-pending = Not finished: notes of this encounter are still being read. Try again in a moment.
problem-stale = Not done: the encounter changed in the meantime. Look at it as it is now and decide again.
problem-undecided = Not finished: entries still wait for a decision. They are marked “to decide”.
problem-hard-edits = Not finished: a hard edit stands against the codes. Settle it, or choose why it may stand.
problem-unknown-entry = Not done: this entry is no longer part of the encounter.
problem-code-unknown = Not done: this is not a billable ICD-10-CM code of the edition of this encounter’s day. Nothing was changed.
problem-code-missing = Not done: a code is needed. Type one, or choose one of those offered.
problem-nothing-changed = Not amended: choose another code, type one, or choose another status.
problem-nothing-designated = Not done: choose what the diagnosis is to the encounter.
problem-reason-missing = Not done: choose a reason.
problem-name-missing = Not added: the entry needs a name.
problem-none-together = Not done: none of these may be accepted together; look at each.
problem-nothing-to-undo = Not done: there is no decision of yours to take back.
problem-verdict-missing = Not kept: say of every code whether it is right.
problem-review-refused = Not kept: the review is done already, it is of your own work, or the encounter has changed since it was finished.
problem-key-invalid = Not kept: a key is one sign, and no digit, which chooses a code.
problem-key-twice = Not kept: two actions have the same key.
problem-list-name = Not saved: give the list a name.
problem-too-many-lists = Not saved: remove a saved list first, under Preferences.
problem-settings = Not kept: the first is 0 to 100, the second 50 to 100.
problem-invalid = Not done: the decision could not be taken as it was sent.
problem-query-state = Not done: the query has moved on in the meantime. Look at it as it is now.
problem-query-answer = Not recorded: an answer needs who gave it, and a chosen option or words; “Other” always needs words.
problem-query-record-changed = Not sent: the notes have changed, and the query does not rest on them any more. Withdraw it and draft another.
notice-query-revised = The draft is written anew. Nobody has it until it is sent.
notice-query-drafted = The query is drafted. Nobody has it until it is sent.
notice-query-sent = The query is sent.
notice-query-withdrawn = The query is withdrawn.
notice-query-answered = The answer is recorded. Decide on the entry, then close the query.
notice-query-closed = The query is closed.
# $problem is what the engine says of the code, in English
problem-code = Not done: the code { $problem }. Nothing was changed.

## Pages that say one thing, and what is wrong with a form

message-failed = Something went wrong
message-failed-how = The service could not answer just now. Nothing was lost; try again in a moment.
message-forbidden = Not for your role
message-forbidden-how = You are signed in as { $name }, with the role { $role }. The queue is for the roles coder and lead; ask your administrator for one of them.
message-missing = Not found
message-missing-how = There is no such encounter in the queue, or it lies outside your facility, department or clearance.
message-not-taken = Not taken
message-unreadable = This address or form could not be read; go back, reload the page, and try again.
form-of-another-site = This form comes from another site; nothing was changed.
form-unreadable = This form could not be read; go back, reload the page, and try again.
form-of-earlier-sign-in = This form belongs to an earlier sign-in; go back, reload the page, and try again.
sign-in-of-another-site = This form comes from another site; you are not signed in.
sign-in-password-refused = This name and password do not let anybody in. Check both, or ask your administrator for a sign-in code.
sign-in-wait = { $seconds ->
    [one] Too many tries failed. Try again in one second; a new sign-in code works at once.
   *[other] Too many tries failed. Try again in { $seconds } seconds; a new sign-in code works at once.
}
sign-in-address-wait = { $minutes ->
    [one] Too many sign-ins from where you are failed. Try again in a minute. If these were not yours, tell your administrator.
   *[other] Too many sign-ins from where you are failed. Try again in { $minutes } minutes. If these were not yours, tell your administrator.
}
sign-in-second-refused = This code does not fit, or was used before. Wait for the next one and try again.
sign-in-second-over = That took too long, or the code was used. Begin anew.
sign-in-unreadable = This form could not be read; go back and try again.
sign-in-refused = This code or token does not work. A sign-in code works once and only for a short time; a token must belong to a coder, lead or administrator. Ask for a new one.

## Rows and lists of the queue

queue-row-record = record { $number }
queue-row-no-patient = patient not given
queue-row-for = for { $name }
queue-row-for-team = for the team { $team }
queue-row-until = until { $time }
queue-row-for-leads = for the leads
queue-tab-open = Open
queue-tab-mine = Mine
queue-tab-claimed = Claimed
queue-tab-pended = Pended
queue-tab-team = My team
queue-tab-leads = For leads
queue-tab-finished = Finished
queue-tab-all = All
queue-order-oldest = waiting longest
queue-order-benefit = most to gain
queue-order-service-date = date of service
queue-order-priority = most urgent

## Parts of an encounter's page

item-no-patient = Patient not given
item-edition-not-of-day = { $edition } (none covers the day)
item-undo-entries = { $count } entries
review-instead = instead { $code }
fact-record = Record
fact-born = Born
fact-sex = Sex
fact-encounter = Encounter
fact-class = Class
fact-priority = Priority
fact-payer = Payer
fact-facility = Facility
fact-department = Department
fact-confidentiality = Confidentiality
fact-restricted = restricted
fact-codes = Codes
note-being-read = This note is still being read; its entries will appear when the page is loaded again.
note-unreadable = This note could not be read automatically; look for its entries yourself.
# What a pointer over marked words tells; its parts stand with " · " between
mark-title = { $context }: { $entry }
mark-because = because of { $cues }
mark-added = added by a coder

## Parts of an entry

entry-hcc = HCC { $category } ({ $version })
# Its place among the secondary diagnoses
entry-number = no. { $number }
entry-reportable = reportable
entry-not-reportable = not reportable: { $reason }
# What the note says of a medication or an allergy
attribute-strength = strength
attribute-dose = dose
attribute-form = form
attribute-route = route
attribute-frequency = frequency
attribute-duration = duration
attribute-for = for
attribute-severity = severity
attribute-a-day = a day
attribute-dispense = dispense
attribute-refills = refills
attribute-steps = steps
attribute-not-understood = not understood
attribute-change = change
attribute-as-needed = as needed
attribute-reaction = reaction
attribute-type = type
attribute-criticality = criticality
attribute-units = units
attribute-drops = drops
# A decision
decision-comment = { $decision } – “{ $comment }”
decision-accepted = accepted
decision-accepted-together = accepted with others of its kind
decision-rejected = rejected: { $reason }
decision-role = { $role } diagnosis
decision-present = present on admission: { $letter }
decision-place = place { $number }
decision-amended = amended to { $changes }
decision-added = added
decision-withdrawn = taken back

## Lists of medications

list-unchanged = unchanged
list-changed = directions changed
list-new = new at discharge
list-not-at-discharge = not on the discharge list
list-home = home list
list-inpatient = inpatient list
list-discharge = discharge list

## A history, and versions

history-an-entry = an entry
history-decision = { $entry }: { $decision }
compare-notes = { $later } against { $earlier }

## Agreement

reviews-agreement = { $agreed } of { $codes } codes agreed ({ $percent } %), { $errors ->
    [one] { $errors } error
   *[other] { $errors } errors
}

## Parts of the settings

settings-sees-everything = everything
settings-team-lead = { $name } (leads)
settings-reject-reasons = Rejecting a suggestion
settings-pend-reasons = Laying an encounter aside
settings-escalate-reasons = Passing an encounter up
settings-reopen-reasons = Putting an encounter back into the queue
settings-override-reasons = Letting a hard edit stand

## Why a decision was not taken

conflict-stale = The encounter changed while this page was open.
conflict-not-held = You do not hold this encounter any more: your claim ran out, or a lead put it back.
conflict-held-by = { $name } holds this encounter until { $time }.
conflict-finished = The encounter was finished meanwhile.
conflict-entry-gone = No note says it any more; it is no longer part of the encounter.
conflict-entries = { $count } entries, { $waiting } to decide
conflict-state = the encounter is { $state }

## Parts of a query

print-fact-patient = Patient
print-fact-record = Record
print-fact-born = Born
print-fact-encounter = Encounter
query-about-encounter = the encounter
query-about-gone = an entry that is no longer part of the encounter
query-note-gone = a note that is not part of the encounter any more
query-drafted = drafted
query-revised = written anew
query-sent = sent
query-answer-recorded = answer recorded
query-closed = closed: { $effect }
query-withdrawn = withdrawn
# Where a query stands
query-state-draft = draft
query-state-sent = sent
query-state-answered = answered
query-state-closed = closed
query-state-withdrawn = withdrawn
# Why one asks
query-kind-conflicting = conflicting documentation
query-kind-specificity = more detail
query-kind-significance = clinical significance
query-kind-cause = cause and effect
query-kind-present = present on admission
query-kind-validation = clinical validation
query-kind-ruled-out = ruled out or confirmed
# What an answer led to
query-effect-accepted = the entry was accepted
query-effect-amended = the entry was amended
query-effect-rejected = the entry was rejected
query-effect-added = an entry was added
query-effect-none = nothing was changed
# Why a draft was not saved
draft-held = another coder holds this encounter
draft-finished = the encounter is finished
draft-not-held = you do not hold this encounter, or your 30 minutes ran out; claim it in another tab and try again

## Parts of "About this installation"

about-not-by-meaning = Codes are not looked for by meaning.
about-by-meaning-soon = Codes will be looked for by meaning too, when all terms are read ({ $done } of { $all }).
about-by-meaning = Codes are looked for by meaning too, among { $count } terms.

## Parts of the code book

codes-by-spelling = No code has these very words: they were read as words that are spelt nearly so.
codes-by-meaning = No code has these words: these codes come nearest in meaning.
codes-by-part = No code has all these words: these have all but one.
codes-for-retired = stands for a retired code
codes-last-valid = retired, last valid in { $edition }
codes-unknown = No loaded edition has this code, and it is not known as a retired one.
codes-on-claim = may stand on a claim
codes-not-on-claim = not on a claim: a more specific code below is needed
codes-not-had = does not have it
codes-in-edition = { $edition } ({ $first } to { $last }): { $what }
codes-edition-without = { $edition }: does not have it

## What keys do

preferences-key-next = next entry
preferences-key-previous = previous entry
preferences-key-undecided = next entry to decide
preferences-key-accept = accept the entry
preferences-key-reject = reject it
preferences-key-amend = amend it
preferences-key-principal = this is the principal diagnosis
preferences-key-present = present on admission
preferences-key-hide = hide the suggestion, or show it again
preferences-key-add = add the words that are selected
preferences-key-undo = undo the last decision
preferences-key-evidence = show the first evidence
preferences-key-take = take the next encounter
preferences-key-help = the list of keys

## Lists of the site

lists-hint-reasons = One a line, as it is kept and as a coder reads it: wrong_code: wrong code. What is kept never means something else later; a line without a colon gets its word from its label.
lists-hint-teams = One a line, with the login names of its members, the lead with a star: Heart: lee*, kim, ann.
lists-reject-reasons = Reasons to reject a suggestion
lists-pend-reasons = Reasons to lay an encounter aside
lists-escalate-reasons = Reasons to pass an encounter up
lists-reopen-reasons = Reasons to put an encounter back into the queue
lists-query-templates = Templates of queries
lists-teams = Teams
lists-worklist-rules = Rules of worklists
lists-hint-rules = One a line: what is so of an encounter, a colon, and what it then gets. class inpatient, payer medicare: priority urgent, team Heart. Before the colon: class, facility, department, type (of a note), payer, alert. The first rule that fits and names a priority gives it, the first that fits and names a team gives that. A rule makes nothing less urgent and takes no team away; it holds for encounters that come or change from now on.
lists-rule-line = line { $line }: { $problem }
lists-rule-colon = a colon stands between what is so and what is done
lists-rule-unknown = { $what } is none of { $words }
lists-changed = somebody changed this list meanwhile; load the page again
lists-two-leads = the team { $team } has two leads
templates-key-not-offered = { $key } (not offered)

## Parts of the API's page

reference-fields-of-other = the fields of
# $item is what the list is of, or nothing where the name of an object follows
reference-list-of = list of { $item }
# Between the kinds that a value may be of
reference-or = or

## What the scripts of an encounter's page say

script-used-last = used last
script-codes = Codes
# On the button beside words that are selected; a key follows
script-add = Add
script-from = From { $note }: “{ $words }”
script-copied = { $count } copied
script-not-copied = The browser did not allow it; select the list and copy it.
script-signed-out = Not saved: your session has ended. Sign in again in another tab, then repeat your choice here; nothing that you typed is lost.
script-not-saved = Not saved: the service answered { $status }. Try again.
script-not-saved-offline = Not saved: the service cannot be reached. Your choice is still here; repeat it when the connection is back.
script-no-forms = The forms could not be read: the service answered { $status }. Reload the page.
script-no-forms-offline = The service cannot be reached: the forms come when the connection is back.
script-session-ended = Your session has ended: sign in again in another tab before you go on. What was decided is saved.
script-lost = You do not hold this encounter any more. What was decided is saved; claim it again to go on.
# $holder is "held by lee until 12:00"
script-lost-to = You do not hold this encounter any more: it is { $holder }. What was decided is saved; claim it again to go on.
script-changed = This encounter has changed: a note came, or somebody worked on it. Reload the page to see it; what was decided is saved.
script-offline = The service cannot be reached. What was decided is saved; what you choose now is not, until the connection is back.
script-all-read = all notes read

# People who may sign in, and what they may
people-state = State
people-enabled = enabled
people-another = Another person
people-add = Add
people-name-hint = 1 to 64 letters, digits, dots, dashes and underscores. It stands in the record of what they do, and is never given to another person.
people-source = Source system
people-source-hint = For submitters: the system they send notes for. For others: the only system whose notes they see; left empty, all of them.
people-facility = Facility
people-department = Department
people-scope-hint = Left empty, they see all of them. Somebody limited to one sees no note that names none.
people-restricted = May see notes that are labelled restricted
people-may = Role and scope
people-sign-in = Sign-in
people-sign-in-hint = A code signs the person in to the pages once, within an hour. Hand it over in person or on a channel that the hospital trusts.
people-make-code = Make a sign-in code
people-disable = Disable
people-enable = Enable
people-disable-hint = A disabled person's session and tokens stop at once. What they decided stays, and so does their name in the record.
people-tokens = What works now
people-no-tokens = Nothing: no session, no code, no token.
people-token-for = What it is for
people-token-opens = Opens
people-token-since = Since
people-token-until = Until
people-token-always = no end
people-token-stop = Stop
people-revoke = Revoke
people-revoke-what = Revoke { $what }
people-role-hint = Another role ends the tokens and codes that were given out; a session goes on with the new role.
people-token-days = Days it works; empty is always
people-token-hint = A token is for programs. It is shown once, and only its hash is kept.
people-make-token = Make a token
people-code-made = The sign-in code of { $name }. It works once, within an hour, and is not shown again.
people-token-made = The token of { $name }. Keep it now: it is not shown again.
people-problem-name = A login name has 1 to 64 letters, digits, dots, dashes and underscores.
people-problem-taken = There is a person { $name } already. Choose another name.
people-problem-unknown = There is no person { $name }.
people-problem-source = A submitter needs the name of the source system it speaks for.
people-problem-scope = A source, facility or department has at most 128 letters and no control characters.
people-problem-disabled = { $name } is disabled. Enable them first.
people-problem-oneself = You cannot disable yourself or change your own role. Another administrator can.
people-problem-days = A token works for 1 to 3650 days.
people-problem-no-token = There is no such token that works now.
people-token-used = Last used
people-token-never-used = never
people-password-is = { $name } has a password.
people-no-password = { $name } has no password; a code signs them in.
people-factor-is = { $name } has a second factor.
people-no-factor = { $name } has no second factor.
people-locked-until = After too many failed tries the next one waits until { $time }. A sign-in code works at once.
people-remove-password = Take the password away
people-remove-factor = Take the second factor away
people-unlock = Let them try again now
people-remove-hint = Nobody sets or sees the password of another. Without it the person needs a new code, and their sessions end.
notice-person-added = Added. Make a sign-in code to hand over.
token-api = the programs’ interface
token-api-read = the programs’ interface, reading
token-api-write = the programs’ interface, writing
token-session = the pages, a session
token-sign-in = the pages, a sign-in code

# A sample of finished encounters
reviews-draw = Draw a sample of what was finished
reviews-draw-count = How many encounters
reviews-draw-days = Finished within so many days
reviews-draw-coder = Finished by
reviews-draw-anybody = anybody
reviews-draw-code = With a code that begins with
reviews-draw-blinded = Blinded: the reviewer codes them without seeing what the coder chose
reviews-draw-hint = Drawn at random of the last 2000, without those that you worked on, may not see, or that were drawn before.
reviews-draw-now = Draw
reviews-drawn = { $count ->
    [0] No encounter was drawn: none that was finished fits.
    [one] One encounter was drawn.
   *[other] { $count } encounters were drawn.
}
problem-sample = Nothing was drawn. A sample has 1 to 100 encounters, of 1 to 3650 days, of a coder that is known.

# Reports
frame-reports = Reports
reports-title = Reports
reports-tabs = Reports there are
reports-tab-work = Work and review
reports-tab-engine = What became of suggestions
reports-tab-backlog = What waits
reports-tab-queries = Queries to providers
reports-tab-population = Patients
reports-cuts = Counted by
reports-days = The last so many days
reports-from = Or from this day
reports-until = Until this day
reports-facility = Facility
reports-department = Department
reports-coder = Coder
reports-kind = Kind of entry
reports-every-kind = every kind
reports-show = Show
reports-export = CSV
reports-export-amendments = CSV of changed codes
reports-export-backlog = CSV of what waits
reports-export-flow = CSV of what came and went
reports-time = From { $from } until { $until }
reports-bad-time = Give the days as year-month-day, the first before the last, and at most { $days } days.
reports-scope-hint = Only what you may see is counted. These are figures of staff and program, so small numbers are told as they are.
reports-nothing = Nothing in this time.
reports-none = not said
reports-all = All
reports-others = { $count ->
    [one] one more
   *[other] { $count } more
}
reports-percent = { $share } %
reports-share = { $share } % ({ $low } to { $high })
reports-minutes = { $minutes } min { $seconds } s
reports-hours = { $hours } h
reports-step = From day
chart-mark = { $name }, { $kind }: { $count }
chart-share = { $name }: { $share } ({ $low } to { $high })
reports-chart-first = { $count ->
    [one] A bar for the row of the table.
   *[other] Bars for the { $count } largest rows; the table has the same figures and the rest.
}
reports-chart-all = The table has the same figures.
# Reports: who did what
reports-work = Who did what
reports-who = Name
reports-finished = Finished
reports-accepted = Accepted
reports-amended = Amended
reports-rejected = Rejected
reports-accepted-share = Accepted as they were
reports-added = Added
reports-taken-back = Taken back
reports-reviews = Second-level reviews
reports-decisions = Decisions on entries
reports-chart-work = Decisions by coder
reports-hint = Encounters are counted each time they are finished, decisions each time one is made, as the audit trail has them. In brackets stands the 95 % interval of a share.
reports-time-title = Time per encounter
reports-timed = Encounters
reports-median = Time per encounter, median
reports-median-hint = From claim to finish, pauses bounded
reports-p90 = Nine in ten within
reports-sittings = Sittings
reports-worked = Time in hand
reports-entries = Entries decided
reports-entries-per-hour = Entries per hour
reports-median-seconds = Seconds, median
reports-chart-time = Median seconds per encounter
reports-time-hint = A sitting is a claim, from when it is taken until the coder finishes, lays aside, passes up or gives back the encounter. Between two acts in the audit trail at most thirty minutes count; a claim that ran out ends with the last act. It is the time in which an encounter was in a coder’s hands with signs of work. It says nothing of how hard it was or of what was done elsewhere, and no two coders have the same encounters.
reports-reviewed = Encounters reviewed
reports-blinded = Of them blinded
reports-codes = Codes of either
reports-agreed = Codes that both have
reports-agreed-hint = Of second-level reviews
reports-wrong = Wrong
reports-missed = Missed
reports-principal = Principal diagnosis changed
reports-errors = Errors
reports-reviews-hint = By who finished the encounter. Another principal diagnosis counts as two errors, as auditors count it.
reports-errors-title = Kinds of errors
reports-error = Error
reports-no-error = no kind given
reports-chart-errors = Wrong codes by kind of error
# Reports: the engine
reports-over-time = Over time
reports-chart-share = Suggestions accepted as they were
reports-chart-share-words = A line of the share of decided suggestions that coders accepted as they were, with the band of its 95 % interval. The table has the same figures.
reports-by = What became of the entries
reports-chart-by = Entries by outcome: { $by }
reports-by-hint = The rows with the most entries stand first. In brackets stands the 95 % interval of a share.
reports-by-code = Code
reports-by-section = Section
reports-by-note-type = Type of note
reports-by-coder = Coder
reports-by-engine = Version of program, model and vocabulary
reports-ignored = Not decided
reports-ignored-hint = Nobody had to: denied, of the family, hypothetical
reports-encounters = Encounters
reports-encounters-hint = Finished last in this time, with an entry that counts
reports-accepted-hint = Of suggestions that a coder decided on
reports-kept-share = Kept, with or without changes
reports-kept-hint = Of suggestions that a coder decided on: the finding was right, whatever its code
reports-found-share = Suggested, of what stands at last
reports-found-hint = Coders saw the suggestions, so this is no recall against an independent standard
reports-reasons = Why suggestions were rejected
reports-reason = Reason
reports-times = Times
reports-chart-reasons = Rejected suggestions by reason
reports-parts = What was changed of amended suggestions
reports-part = Changed
reports-parts-hint = Each counts once, by the first of these that differs.
reports-part-code = the code
reports-part-assertion = what the note says of it
reports-part-status = the status of a medication
reports-part-attributes = directions or reactions
reports-chart-parts = Amended suggestions by what was changed
reports-amendments = Codes put in the place of others
reports-suggested-code = Suggested
reports-chosen-code = Chosen
# Reports: what waits
reports-backlog = What waits, by how long ago it came
reports-nothing-waits = Nothing waits.
reports-state = State
reports-priority = Priority
reports-team = Team
reports-by-priority = What waits, by priority
reports-by-team = What waits, by team
reports-by-facility = What waits, by facility
reports-by-department = What waits, by department
reports-age-first = { $days ->
    [one] within a day
   *[other] within { $days } days
}
reports-age-next = { $from } to { $to } days
reports-age-last = more than { $days } days
reports-total = All
reports-waiting = Waiting
reports-old = Older than a week
reports-oldest-age = Age of the oldest
reports-arrived = Came
reports-arrived-hint = Encounters whose first note came in this time
reports-finished-hint = Each time; one that was opened again counts again
reports-chart-ages = Encounters that wait, by age
reports-chart-ages-words = A column for each range of days since the first note came. The table has the same figures by state.
reports-flow = What came against what was finished
reports-flow-hint = An encounter that is opened again for a note that came later did not come again.
reports-chart-flow = Encounters that came and that were finished
reports-chart-flow-words = Two lines over time. The table has the same figures.
reports-oldest = The oldest
reports-came = First note
reports-age = Age
# Reports: queries
reports-queries = Queries
reports-queries-over-time = Sent against answered
reports-chart-queries = Queries sent and answered
reports-chart-queries-words = Two lines over time. The table has the same figures.
reports-sent = Sent
reports-answered = Answered
reports-closed = Closed
reports-withdrawn = Withdrawn
reports-open = Waiting for an answer now
reports-drafted = Drafted
reports-turnaround-median = Turnaround, median
reports-turnaround-p90 = Nine in ten answered within
reports-turnaround = From sending to the answer
reports-chart-turnaround = Answers by hours since the query was sent
reports-open-ages = How long open queries have waited
reports-chart-open = Open queries by hours since they were sent
reports-hours-heading = Hours
reports-hours-first = within { $hours } h
reports-hours-next = { $from } to { $to } h
reports-hours-last = over { $hours } h
reports-queries-by-kind = By why it is asked
reports-query-kind = Asked for
reports-queries-by-coder = By who drafted it
reports-queries-by-provider = By who answered
reports-provider = Provider
reports-provider-hint = As whoever recorded the answer wrote the name.
reports-effects = What answers led to
reports-effect = Effect
reports-chart-effects = Closed queries by what the answer led to
reports-queries-hint = Drafted, sent, answered, closed and withdrawn are what was done in this time, as the audit trail has it; open queries are those of now. Queries of encounters that were purged are not counted. Only what you may see is counted.
# Above the notes of an encounter: what the codes' own rules say against them
item-edits-top = { $count ->
    [one] One edit of the codes stands below.
   *[other] { $count } edits of the codes stand below.
}

# Labels of notes and encounters: kinds of sensitive information
fact-labels = Sensitive
label-substance-use = substance use (42 CFR Part 2)
label-psychotherapy = psychotherapy notes
label-mental-health = mental health
label-hiv = HIV and AIDS
label-sexual-health = sexual and reproductive health, abuse and violence
label-genetic = genetic information
label-vip = person of public interest
label-employee = employee
label-other = other sensitive information
people-clearances = May see notes with these labels
people-own = Own record
people-own-hint = Nothing of a patient whose record is the person’s own is there for them: no list, no search and no break-glass leads to it. The number is kept in a form that nobody can read.
people-own-count = { $count ->
    [0] No record is known to be theirs.
    [one] One record is known to be theirs.
   *[other] { $count } records are known to be theirs.
}
people-own-number = Record number
people-own-add = Add this record
people-own-remove = Take all own records away
people-problem-record = Type the source system and the record number, each of at most 128 letters.

# Break-glass: opening an encounter that scope or clearance hides
message-break-glass = Open a hidden encounter in an emergency
item-under-glass = You read this encounter under break-glass until { $time }. Nothing of it can be changed, and every look at it is recorded.
frame-glass-accesses = Break-glass
glass-title = Open a hidden encounter
glass-what = For an hour you may read one encounter that your scope or clearance hides, and change nothing of it. That you opened it and every look at it is recorded, and an auditor will ask why. Nobody opens their own record.
glass-source = Source system
glass-encounter = Encounter number
glass-record = Record number of the patient
glass-number-hint = Type the encounter number, the record number, or both, exactly as the source system has them.
glass-reason = Why
glass-words = In your own words
glass-open = Open it
glass-reason-substitution = I stand in for somebody who may see it
glass-reason-patient-safety = A patient could come to harm
glass-reason-deadline = A bill or a report is due
glass-reason-legal-request = A court, an authority or the patient asks
glass-reason-technical-fault = Something does not work and has to be looked at
glass-reason-other = Another reason
glass-problem-missing = There is no such encounter.
glass-problem-several = Several encounters fit. Type the encounter number too.
glass-problem-words = Say in 1 to 1000 letters why.
glass-problem-reason = Choose why.
glass-accesses = Accesses under break-glass
glass-accesses-what = Who opened an encounter that their scope or clearance hides, and why; those that nobody has looked at come first. What was read under each stands in the audit trail.
glass-no-accesses = Nobody has opened a hidden encounter.
glass-access-when = When
glass-access-who = Who
glass-access-item = Encounter
glass-access-why = Why
glass-access-looked-at = Looked at
glass-looked-at = { $name }, { $time }
glass-acknowledge = I have looked at it
glass-acknowledge-what = I have looked at the access of { $name } at { $time }

## The account of whoever is signed in

account-title = Account
account-password-hint = At least { $fewest } characters; a few words are easy to remember. Any letters and signs will do, and nobody has to choose a new one after some months.
account-password-before = Present password
account-password-new = New password
account-password-again = New password once more
account-set-password = Set the password
account-change-password = Change the password
account-password-kept = The password is changed. Your other sessions have ended.
account-factor = Second factor
account-factor-may = An authenticator app on your phone shows a code that is asked for beside your password.
account-factor-must = Your role needs a second factor: an authenticator app on your phone shows a code that is asked for beside your password.
account-factor-needed = Your role needs a second factor. Set one up here; then you can go on.
account-factor-holds = Your authenticator app is asked for when you sign in.
account-factor-removed = The second factor is taken away. Your other sessions have ended.
account-begin-factor = Set up an authenticator app
account-begin-anew = Begin anew with another secret
account-scan = Read this picture with your app, or type the secret into it. Then type the code that it shows.
account-picture = Picture with the secret for an authenticator app
account-secret = Secret:
account-address = Address:
account-shown-code = Code that the app shows
account-confirm-factor = Confirm
account-remove-factor = Take the second factor away
account-codes-made = The second factor holds from now on. Keep these recovery codes where only you find them: each signs you in once when you have lost your phone, and they are not shown again.
account-codes-left = { $count ->
    [one] One recovery code is left.
   *[other] { $count } recovery codes are left.
}
account-sessions = Sessions
account-sessions-hint = Ends every session of yours, on other computers and here.
account-end-sessions = Sign out everywhere
account-problem-short = A password has at least { $fewest } characters.
account-problem-long = A password has at most 1,024 bytes.
account-problem-name = Your login name is no password.
account-problem-common = This is one of the commonest passwords, which are tried first. Choose another one.
account-problem-again = The two new passwords differ. Type both once more.
account-problem-refused = The present password or the code does not fit.
account-problem-factor = There is a second factor already, or none to confirm. Begin anew.

## A fresh proof of who it is

confirm-title = Is it still you?
confirm-why = You signed in a while ago, and what you do now concerns everybody here.
confirm-why-code = You signed in a while ago, and what you do now concerns everybody here. Ask another administrator or the operator for a new sign-in code.
confirm-factor-or-code = Or a code of your authenticator app, or a new sign-in code
confirm-or-code = Or a new sign-in code
confirm-code = A new sign-in code, or your token
confirm-go-on = Go on
confirm-refused = That does not fit. Try again.
confirm-nothing-lost = What you typed is kept and goes on with it.

frame-audit = Audit trail
audit-title = Audit trail
audit-export = CSV
audit-who = Who
audit-what = What
audit-what-hint = What is written as the trail has it, for example note.read, item.read, entry.decided, user.changed or call.refused.
audit-of = Patient, encounter or note, by our id
audit-of-hint = Notes and queries of an encounter count for it; encounters and notes of a patient count for the patient.
audit-from = From
audit-until = Until
audit-show = Show
audit-source = Source
audit-number = Record number of a patient at that source
audit-find-patient = Find the patient
audit-nothing = Nothing was recorded of this.
audit-event = Event
audit-when = When
audit-thing = To what
audit-detail = More
audit-older = Older events
audit-whole = The last events are those that were sealed: signed up to event { $number } at { $moment }. Not sealed yet: { $events }. The command abstractor audit verify looks at the whole trail.
audit-not-sealed = Nothing was sealed yet. Events: { $events }.
audit-broken = The end of the audit trail does not verify: events or seals were altered or removed. Run the command abstractor audit verify, which tells the first event, and keep the database as it is.
audit-problem-day = A day must be written as year, month and day, for example 2026-04-01.
audit-problem-id = An id of ours is 32 letters and digits with four dashes; several have a comma between them.
audit-problem-patient = There is no patient with this record number at this source.
about-no-pack = No site pack is in use.
about-pack = Version { $version } of the site pack is in use.
settings-site-pack = What the site taught the engine
## The site's pack
pack-page = Site pack
pack-title = What the site taught the engine
pack-about = Terms of this site, suggestions that it does not want, codes that it prefers and thresholds. A change is another version of the whole, and is used when that version is made live.
pack-is-live = Version { $version } is live.
pack-none-is-live = No version is live: the engine suggests as it was delivered.
pack-use-none = Use none
pack-not-yet = This server still runs with { $version }; it takes the live one within seconds.
pack-left-out = { $rows ->
    [one] { $rows } row of it is not used: the vocabularies that are loaded do not have its code.
   *[other] { $rows } rows of it are not used: the vocabularies that are loaded do not have their codes.
}
pack-none = no version
pack-version = version { $number }
pack-make-live = Make version { $version } live
pack-make-none-live = Use no version
pack-no-difference = It says the same as what is live.
pack-comes = Comes
pack-goes = Goes
pack-stored-stays = It holds for notes that are extracted from then on. Suggestions that are stored stay as they are.
pack-explanation = Why it becomes live without having passed its shadow run
pack-explanation-hint = At least 15 characters, without words of notes. It is kept with your name.
pack-confirm = Make it so
pack-leave = Leave it
pack-nothing-yet = There is no version yet
pack-content = Version { $number }
pack-terms = Terms of this site
pack-suppressed = Not suggested
pack-preferences = Preferred codes
pack-thresholds = Shown at once
pack-any-code = any code
pack-any-section = any section
pack-instead-of = { $code } instead of { $other }
pack-shown-from = from { $percent } percent on
pack-words = Words
pack-kind = Kind
pack-said = What holds for them
pack-remove = Remove
pack-remove-row = Remove { $words } in another version
pack-versions = Versions
pack-version-number = Version
pack-live = live
pack-by = By
pack-when = When
pack-what = What
pack-why = Why
pack-shadow = Shadow run
pack-no-shadow = none yet
pack-shadow-passed = passed
pack-shadow-not-passed = not passed
pack-activate = Make live
pack-activations = What was live
pack-because-passed = its shadow run was passed
pack-because-back = it was live before
pack-because-none = no pack was wanted
pack-because-admin = without a passed shadow run: { $words }
pack-changed = Somebody changed the site pack meanwhile. This page shows how it stands now.
notice-pack-live = Kept. The engine suggests by it from the next note on; other servers follow within seconds.
notice-pack-kept = Kept as another version. It is used when it is made live.
# What other thresholds would have done
thresholds-title = Thresholds, tried on what coders decided
thresholds-days = Encounters finished within so many days
thresholds-show = Show
thresholds-what = { $encounters ->
    [one] One finished encounter takes part, of those that you may see.
   *[other] { $encounters } finished encounters take part, of those that you may see.
}
thresholds-limits = What this cannot tell: coders saw each suggestion and how sure the engine was, so they accepted some that they would not have added themselves; entries accepted together were looked at less; entries of one encounter are alike, so the intervals are somewhat too narrow. Allergies are never folded away, and medications are folded by how sure their mention is, whatever stands here.
thresholds-now = As it is set: entries are shown unfolded from { $shown } % on, and may be accepted together from { $together } % on.
thresholds-empty = No encounter was finished within these days.
thresholds-all = All together
thresholds-made-of = { $decided } suggestions that coders decided on; { $bulk } of them were accepted together with others, { $silent } have no probability and take no part.
thresholds-hide = Hidden below the threshold
thresholds-accept = Accepted without a look from the threshold on
thresholds-line-hidden = hidden, of all, in percent
thresholds-line-lost = of these: wanted by coders, and lost
thresholds-line-accepted = accepted, of all, in percent
thresholds-line-wrong = of these: changed or rejected by coders
thresholds-current = now { $threshold } %
thresholds-table = The same as a table: { $kind }
thresholds-threshold = Threshold
thresholds-hidden = Hidden, of all
thresholds-lost = Lost, of the hidden
thresholds-spared = Rejections saved, of the hidden
thresholds-accepted = Accepted, of all
thresholds-right = Right as coders left them
thresholds-wrong = Wrong: changed or rejected
thresholds-holds = holds now
thresholds-percent = { $share } %
thresholds-part = { $of } of { $all }: { $share } % ({ $low } to { $high })
thresholds-none = none
# Drift
drift-title = Drift
drift-what = The last days against a reference, as numbers over all encounters of the site. What chance does not explain and what matters becomes an alert, until somebody acknowledges it. It is evaluated once a day.
drift-evaluate = Evaluate now
drift-waiting = Alerts that wait
drift-none-waits = No alert waits.
drift-word = What it is
drift-acknowledge = Acknowledge
drift-acknowledge-what = Acknowledge: { $name }
drift-word-expected = expected: the change is known and wanted
drift-word-looked-into = somebody looks into it
drift-word-mended = mended
drift-word-false-alarm = nothing is behind it
drift-measures = The measures
drift-evaluated = Evaluated on { $time }.
drift-span = { $from } to { $until }
drift-spans = Looked at: { $current }. Held against: { $reference }.
drift-measure = Measure
drift-before = Reference
drift-now = Now
drift-effect = Difference
drift-p = p, corrected
drift-made-of = Made of
drift-verdict = Said of it
drift-shares = What moved most
drift-acceptance = Acceptance
drift-acceptance-what = suggestions accepted as they were, of those that coders decided on
drift-unknown = Unknown terms
drift-unknown-what = entries without a code of the engine's (added by coders, or suggested without one), of those that stand in the end
drift-abstention = Abstention
drift-abstention-what = suggestions without a code, of those to be charted
drift-types = Types of notes
drift-types-what = shares of the types; the population stability index
drift-entries = Suggestions a note
drift-entries-what = of encounters by the day on which they came
drift-confidence = Confidence
drift-confidence-what = shares of the tenths of the confidence; the population stability index
drift-arrivals = Notes a day
drift-arrivals-what = by the day on which the first note of their encounter came
drift-too-few = too few
drift-steady = steady
drift-small = small
drift-drifted = drifted
drift-percent = { $share } %
drift-points = { $points } points
drift-index = PSI { $index }
drift-tenth = from { $from } %
drift-no-type = no type given
drift-share = { $class }: { $reference } → { $current }
drift-of-encounters = { $before } and { $now } encounters
drift-of-days = { $before } and { $now } days
drift-found = { $before } → { $now } ({ $effect }).
drift-found-shares = { $effect }.
drift-since = Found { $first }, seen last { $last }.
drift-acknowledged = Acknowledged by { $name } on { $time }: { $word }.
drift-acknowledged-title = Acknowledged alerts
drift-tests = Each test deals out whole encounters anew (of arrivals: days, within their day of the week), since entries of one encounter are alike; p is corrected for the number of measures, and 1 in 100 evaluations of an unchanged site is expected to find something. A window needs 30 encounters. Rates matter from 5 points on, distributions from a stability index of 0.1, suggestions a note from 15 %, arrivals from 30 %.
drift-not-evaluated = Nothing was evaluated yet.
drift-reference = What it is held against
drift-reference-rolling = The last { $current } days are held against the { $days } days before.
drift-reference-fixed = The last days are held against { $from } to { $until }, as { $name } set on { $time }.
drift-from = First day of a fixed reference
drift-until = Its last day
drift-fix = Fix the reference
drift-roll = Let it go along with time
drift-reference-hint = Days like 2026-01-31, or moments like 2026-01-31T08:00:00Z. A fixed reference shows slow changes that a reference that goes along never sees.
drift-alerts-wait = { $count ->
    [one] Something drifts, and nobody has acknowledged it yet.
   *[other] { $count } measures drift, and nobody has acknowledged them yet.
}
drift-look = Look at the drift
notice-evaluated = Drift was evaluated.
problem-reference = Not taken: a reference needs a first and a last day, in this order and in the past.
# Shadow runs
shadow-title = Shadow runs
shadow-what = Another version of the site pack, another model or vocabulary on encounters that coders have finished, beside what is live. What it suggests is shown to nobody; it is counted against what coders left.
shadow-under-way = A run is under way: { $done } of { $all } encounters.
shadow-look-again = Look again
shadow-failed = The last run failed; the log says why.
shadow-no-versions = There is no version of the site pack yet that could be tried.
shadow-pack = Version of the site pack
shadow-days = Encounters finished within so many days
shadow-start = Try it
shadow-command = A model or vocabulary is tried on the command line: { $command }
shadow-version = version { $version }
shadow-version-live = version { $version }, live
shadow-version-passed = version { $version }, passed
shadow-version-not-passed = version { $version }, not passed
shadow-reports = Reports
shadow-none = Nothing was tried yet.
shadow-when = When
shadow-tried = Tried
shadow-live = Live
shadow-encounters = Encounters
shadow-verdict = Came to
shadow-who = Asked for by
shadow-tried-engine = model or vocabulary
shadow-tried-pack = site pack, version { $version }
shadow-tried-none = no site pack
shadow-tried-proposals = { $count ->
    [one] a proposal of reviews
   *[other] { $count } proposals of reviews
}
shadow-engine = model { $model }, vocabulary { $vocabulary }
shadow-engine-pack = model { $model }, vocabulary { $vocabulary }, site pack { $version }
shadow-passed = passed
shadow-too-few = too few encounters
shadow-not-shown = not shown
shadow-worse = worse
shadow-all = all together
shadow-report-title = Shadow run
shadow-to-list = All reports
shadow-sentence-passed = It passed: it is not worse by { $margin } points of F1 on any kind with enough encounters, and at least as good on all together.
shadow-sentence-too-few = It did not pass: { $encounters } encounters take part, and { $needed } are needed.
shadow-sentence-worse = It did not pass: on all together it is right less often than what is live.
shadow-sentence-not-shown = It did not pass: it cannot be ruled out that it is worse by more than { $margin } points of F1 on { $kinds }.
shadow-bias = Coders saw what the engine of that day suggested. What it missed and they missed too counts against whoever finds it, so this favours what is live.
shadow-made-of = { $encounters } with { $notes } notes, finished since { $since }
shadow-speed-title = Time
shadow-speed = { $before } s and { $now } s: { $times } times as fast
shadow-speed-unknown = not compared: what is live was taken as it is stored
shadow-kinds = By kind of entry
shadow-kind = Kind
shadow-gold = Left by coders
shadow-precision = Precision
shadow-recall = Recall
shadow-f1 = F1
shadow-code = First code right
shadow-coded-f1 = F1 with the code
shadow-effort = Acts beside accepting
shadow-does-not-count = too few by itself
shadow-figure = { $before } → { $now } ({ $low } to { $high }, p { $p })
shadow-no-figure = none
shadow-acts = { $before } → { $now }; { $saved } saved, { $broken } added
shadow-hint = Intervals of 95 % of the difference by drawing encounters; p by exchanging the two encounter by encounter. Suggestions that meet nothing a coder decided on count as wrong.
shadow-differences = { $count ->
    [one] One entry differs
   *[other] { $count } entries differ
}
shadow-no-differences = Nothing differs in encounters that you may see.
shadow-item = Encounter
shadow-entry = Entry
shadow-change = How
shadow-lost = right, and lost
shadow-miscoded = right, and with another code
shadow-gained = right now
shadow-silenced = rejected by coders, and gone
shadow-raised = rejected by coders, and suggested
shadow-unseen = new, and seen by nobody
shadow-gone = gone, and decided on by nobody
shadow-left-out = Left out, because a note could not be extracted
notice-proposals-tried = The engine reads past notes with and without the proposals. What they would have saved and broken stands here when it ends; nothing else has changed.
notice-shadow-started = The run has begun. Its report stands here when it ends.
problem-shadow-running = Not started: another run is under way.
# Links between the reports
reports-thresholds = Thresholds
reports-drift = Drift
reports-shadow = Shadow runs
# What the site's reviews propose
learning-title = Learning from reviews
learning-what = What coders did again and again, as changes of the site pack. What you take becomes another version of the pack; it is tried beside the live one before it may become live.
learning-days = Days
learning-look = Look
learning-proposals = Proposals
learning-from = Out of { $count } finished encounters
learning-nothing = Nothing is proposed: too few coders did the same often enough, or the site pack says it already.
learning-choose = Take
learning-change = Change
learning-saved = Would have saved
learning-broken = Would have broken
learning-examples = Examples
learning-example = example { $number }
learning-approve = Take into the site pack
learning-decline = Decline
learning-try = Try on past notes
learning-only-thresholds = A threshold changes nothing that the engine suggests: what it would have done is worked out of the decisions. Choose a term, a suppression or a code to try.
learning-next = Saved are decisions that coders would not have had to make. Broken is what they let stand and would have been hidden or changed, and for a term the encounters whose notes have its words without its code. Both are worked out of decisions; “Try on past notes” lets the engine read the notes again with the proposals, before anybody takes them.
learning-term = Suggest “{ $words }” ({ $kind }) as { $code }
learning-suppress = Do not suggest “{ $words }” ({ $kind })
learning-suppress-in = Do not suggest “{ $words }” ({ $kind }) in the section { $section }
learning-prefer = Give “{ $words }” ({ $kind }) { $code } instead of { $other }
learning-give = Give “{ $words }” ({ $kind }) { $code }
learning-threshold = Fold away suggestions below { $percent } % ({ $kind })
learning-evidence = { $support } decisions in { $encounters } encounters by { $coders } coders speak for it. All of these words: accepted { $accepted }, amended { $amended }, rejected { $rejected }, added { $added }.
learning-between = { $first } to { $last }.
learning-read = read in { $count } encounters
learning-decided = Decided
learning-verdict = Verdict
learning-version = Version
learning-who = Who
learning-when = When
learning-approved = taken
learning-declined = declined
learning-none-chosen = Choose at least one proposal.
learning-gone = A proposal is not there any more; look again.
notice-proposals-declined = Declined. They come again when twice as much speaks for them.
link-learning = Learning

# Patients by what coders let stand
population-title = Patients by diagnosis, medication or allergy
population-by = Counted by
population-by-diagnosis = Diagnosis
population-by-medication = Medication
population-by-allergy = Allergy
population-level = Diagnoses by
population-chapter = Chapter
population-block = Block
population-category = Category
population-code = Code
population-columns = Columns
population-month = Months
population-quarter = Quarters
population-year = Years
population-facility = Facilities
population-department = Departments
population-class = Classes of encounters
population-from = First month
population-until = Last month
population-show = Show
population-export = CSV
population-time = Encounters finished from { $from } through { $until }
population-hint = Each patient counts once in a cell, and once in the last column. * is not told: a count below { $smallest }, or one that would tell such a count. 0 is told. Counted is what coders accepted, changed or added and what the note says of the patient now, also as possible; what is denied, of the family, hypothetical or past is left out, with it medications that were stopped.
population-row = Counted
population-seen = Patients seen
population-all = All
population-untold = *
population-no-place = not said
population-other-places = other places
population-none-known = No known allergies
population-uncoded = without a code
population-nothing = Nothing in this time.
population-more-rows = { $count ->
    [one] One more row stands in the CSV.
   *[other] { $count } more rows stand in the CSV.
}
population-without-patient = { $count } finished encounters have no patient and are not counted.
population-few-without-patient = Fewer than { $smallest } finished encounters have no patient and are not counted.
population-limits = Only what you may see is counted, in months that have ended. Reports that overlap, of other months, levels or places, can tell more together than each by itself; who read which is in the audit trail.
population-chart = Patients over time: { $by }
population-chart-words = A line for each of the rows with the most patients; what is not told is a gap. The table has the same figures.
population-bad-form = Give the months like 2026-04.
population-bad-order = Give the first month before the last, at most 120 months, and at most 60 columns.
population-not-ended = Only months, quarters and years that have ended are counted, since what grows from day to day would tell who came. Choose an earlier last month.
population-cut = Quarters begin in January, April, July and October, years in January. Choose whole ones.
