# Plain French (facile à lire et à comprendre): short sentences, one idea each, everyday words.

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
moment = le { $weekday } { $day ->
        [1] 1er
       *[other] { $day }
    } { $month-name } à { $hour } heures{ $minutes ->
        [0] { "" }
       *[other] { " " }{ $minute }
    }

mail-subject = { $count ->
        [one] Absence
       *[other] Absences
    } – { $school }
mail-subject-there = Pas d’absence – { $school }
mail-hello = Bonjour,
mail-absent = { $name } n’était pas à l’école { $moment }.
mail-there = L’absence de { $name } { $moment } ne compte pas.
mail-ask = Dites pourquoi à l’école. Cliquez ici. Vous n’avez pas besoin de mot de passe.
mail-nothing = L’école s’est trompée. Pardon. Vous n’avez rien à faire. Pour voir la page, cliquez ici.
mail-telephone = Téléphone{ "\u00A0" }: { $telephone }

sms-when = le { $dd }/{ $mm } à { $hour }h{ $minute }
sms-who = { $names }, { $when }
sms-absent = { $from }. { $count ->
        [one] Absence
       *[other] Absences
    } : { $who }. Répondez : { $link }
sms-there = { $from }. Pas d’absence : { $who }. L’école s’est trompée. Pardon. Vous n’avez rien à faire.
sms-comma = ,
sms-semicolon = ;

page-title = Absence
page-absent = Pas à l’école
page-there = L’absence ne compte pas. Nous nous étions trompés.
page-got = J’ai lu ce message
page-seen = L’école sait que vous avez lu.
page-why = Dire pourquoi
page-reason = Pourquoi{ "\u00A0" }?
page-choose = Choisissez
page-comment = Vous pouvez écrire un mot
page-rest = Absence jusqu’à la fin de la matinée ou de l’après-midi
page-document = Vous pouvez ajouter un papier{ "\u00A0" }: PDF ou photo
page-send = Envoyer
page-received = L’école sait pourquoi
page-thanks = Merci. L’école a reçu votre réponse.
page-gone = Cette page n’existe plus. Téléphonez à l’école.
page-languages = Langues

problem-title = Réponse pas envoyée
problem-reason = Choisissez une ligne de la liste.
problem-comment = Votre texte est trop long. Écrivez { $characters } lettres ou moins.
problem-size = Votre papier est trop lourd. Il faut { $megabytes } Mo ou moins.
problem-kind = Nous ne pouvons pas lire votre papier. Envoyez un PDF ou une photo.
problem-later = Ça ne marche pas maintenant. Attendez un peu. Puis envoyez encore.
problem-again = Vous aviez ajouté un papier{ "\u00A0" }? Ajoutez-le encore.
