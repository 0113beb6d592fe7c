# German.

weekday-1 = Montag
weekday-2 = Dienstag
weekday-3 = Mittwoch
weekday-4 = Donnerstag
weekday-5 = Freitag
weekday-6 = Samstag
weekday-7 = Sonntag
month-1 = Januar
month-2 = Februar
month-3 = März
month-4 = April
month-5 = Mai
month-6 = Juni
month-7 = Juli
month-8 = August
month-9 = September
month-10 = Oktober
month-11 = November
month-12 = Dezember
moment = { $weekday }, { $day }. { $month-name }, um { $hour }:{ $minute } Uhr

mail-subject = { $count ->
        [one] Abwesenheit festgestellt
       *[other] Abwesenheiten festgestellt
    } – { $school }
mail-subject-there = Abwesenheit berichtigt – { $school }
mail-hello = Guten Tag,
mail-absent = { $name } war am { $moment } nicht im Unterricht.
mail-there = Die Abwesenheit von { $name } am { $moment } ist aufgehoben.
mail-ask = Bitte nennen Sie uns den Grund auf dieser Seite; ein Konto brauchen Sie dafür nicht:
mail-nothing = Wir hatten Ihnen irrtümlich eine Abwesenheit gemeldet und bitten um Entschuldigung. Sie müssen nichts tun. Die Einzelheiten stehen auf dieser Seite:
mail-telephone = Telefon: { $telephone }

sms-when = { $dd }.{ $mm }. { $hour }:{ $minute } Uhr
sms-who = { $names }, { $when }
sms-absent = { $from }. Abwesend: { $who }. Antwort: { $link }
sms-there = { $from }. Doch nicht abwesend: { $who }. Bitte entschuldigen Sie unseren Irrtum, Sie müssen nichts tun.
sms-comma = ,
sms-semicolon = ;

page-title = Abwesenheit
page-absent = Nicht im Unterricht
page-there = Abwesenheit aufgehoben
page-got = Ich habe die Nachricht erhalten
page-seen = Sie haben den Erhalt bestätigt.
page-why = Grund angeben
page-reason = Grund
page-choose = Auswählen…
page-comment = Bemerkung (freiwillig)
page-rest = Abwesenheit bis zum Ende des Vormittags oder Nachmittags
page-document = Dokument (freiwillig): PDF oder Foto
page-send = Senden
page-received = Grund erhalten
page-thanks = Danke, die Schule hat Ihre Antwort erhalten.
page-gone = Dieser Link gilt nicht mehr. Bitte rufen Sie die Schule an.
page-languages = Sprachen

problem-title = Antwort nicht gesendet
problem-reason = Wählen Sie einen Grund aus der Liste.
problem-comment = Die Bemerkung ist zu lang: höchstens { $characters } Zeichen.
problem-size = Das Dokument ist zu groß: höchstens { $megabytes } MB.
problem-kind = Das Dokument ist nicht lesbar. Senden Sie ein PDF oder ein Foto (JPEG, PNG).
problem-later = Ihre Antwort konnte nicht gespeichert werden. Versuchen Sie es in einigen Minuten noch einmal.
problem-again = Wenn Sie ein Dokument angehängt hatten, hängen Sie es bitte noch einmal an.
