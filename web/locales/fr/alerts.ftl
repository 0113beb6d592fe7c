# What families read of an absence. Every key stands in every language; of children only the first
# name is said, in words that fit every child.

weekday-1 = lundi
weekday-2 = mardi
weekday-3 = mercredi
weekday-4 = jeudi
weekday-5 = vendredi
weekday-6 = samedi
weekday-7 = dimanche
month-1 = janvier
month-2 = février
month-3 = mars
month-4 = avril
month-5 = mai
month-6 = juin
month-7 = juillet
month-8 = août
month-9 = septembre
month-10 = octobre
month-11 = novembre
month-12 = décembre
moment = { $weekday } { $day ->
        [1] 1er
       *[other] { $day }
    } { $month-name } à { $hour }{ "\u00A0" }h{ "\u00A0" }{ $minute }

mail-subject = { $count ->
        [one] Absence constatée
       *[other] Absences constatées
    } – { $school }
mail-subject-there = Absence rectifiée – { $school }
mail-hello = Bonjour,
mail-absent = { $name } n’était pas en cours { $moment }.
mail-there = L’absence de { $name }, { $moment }, est annulée.
mail-ask = Merci de nous en donner la raison sur cette page, sans créer de compte{ "\u00A0" }:
mail-nothing = Nous vous avions signalé une absence par erreur et vous prions de nous en excuser. Vous n’avez rien à faire. Le détail est sur cette page{ "\u00A0" }:
mail-telephone = Téléphone{ "\u00A0" }: { $telephone }

sms-when = { $dd }/{ $mm } à { $hour }h{ $minute }
sms-who = { $names }, { $when }
sms-absent = { $from }. { $count ->
        [one] Absence
       *[other] Absences
    } : { $who }. Répondez : { $link }
sms-there = { $from }. Pas d’absence finalement : { $who }. Excusez notre erreur, vous n’avez rien à faire.
sms-comma = ,
sms-semicolon = ;

page-title = Absence
page-absent = Pas en cours
page-there = Absence annulée
page-got = J’ai bien reçu ce message
page-seen = Vous avez confirmé la réception.
page-why = Donner la raison
page-reason = Raison
page-choose = Choisir…
page-comment = Commentaire (facultatif)
page-rest = Absence jusqu’à la fin de la demi-journée
page-document = Document (facultatif){ "\u00A0" }: PDF ou photo
page-send = Envoyer
page-received = Raison reçue
page-thanks = Merci, l’établissement a bien reçu votre réponse.
page-gone = Ce lien n’est plus valable. Appelez l’établissement.
page-languages = Langues

problem-title = Réponse non envoyée
problem-reason = Choisissez une raison dans la liste.
problem-comment = Ce commentaire est trop long{ "\u00A0" }: { $characters } caractères au plus.
problem-size = Ce document est trop lourd{ "\u00A0" }: { $megabytes } Mo au plus.
problem-kind = Ce document ne peut pas être lu. Envoyez un PDF, ou une photo JPEG ou PNG.
problem-later = Votre réponse n’a pas pu être enregistrée. Réessayez dans quelques minutes.
problem-again = Si vous aviez joint un document, joignez-le de nouveau.
