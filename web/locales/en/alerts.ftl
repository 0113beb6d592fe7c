# English, as in Britain and Ireland.

weekday-1 = Monday
weekday-2 = Tuesday
weekday-3 = Wednesday
weekday-4 = Thursday
weekday-5 = Friday
weekday-6 = Saturday
weekday-7 = Sunday
month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December
moment = { $weekday } { $day } { $month-name } at { $hour }:{ $minute }

mail-subject = { $count ->
        [one] Absence noted
       *[other] Absences noted
    } – { $school }
mail-subject-there = Absence corrected – { $school }
mail-hello = Hello,
mail-absent = { $name } was not in class on { $moment }.
mail-there = The absence of { $name } on { $moment } has been cancelled.
mail-ask = Please tell us why on this page. You do not need an account:
mail-nothing = We told you of an absence by mistake, and we apologise. There is nothing for you to do. The details are on this page:
mail-telephone = Telephone: { $telephone }

sms-when = { $day } { $month ->
        [1] Jan
        [2] Feb
        [3] Mar
        [4] Apr
        [5] May
        [6] June
        [7] July
        [8] Aug
        [9] Sept
        [10] Oct
        [11] Nov
       *[12] Dec
    } { $hour }:{ $minute }
sms-who = { $names }, { $when }
sms-absent = { $from }. Absent: { $who }. Please reply: { $link }
sms-there = { $from }. Not absent after all: { $who }. Sorry for our mistake; there is nothing for you to do.
sms-comma = ,
sms-semicolon = ;

page-title = Absence
page-absent = Not in class
page-there = Absence cancelled
page-got = I have received this message
page-seen = You have confirmed that you received this.
page-why = Give the reason
page-reason = Reason
page-choose = Choose…
page-comment = Comment (optional)
page-rest = Absence until the end of the morning or afternoon
page-document = Document (optional): PDF or photo
page-send = Send
page-received = Reason received
page-thanks = Thank you, the school has received your answer.
page-gone = This link is no longer valid. Please call the school.
page-languages = Languages

problem-title = Answer not sent
problem-reason = Choose a reason from the list.
problem-comment = This comment is too long: { $characters } characters at most.
problem-size = This document is too large: { $megabytes } MB at most.
problem-kind = This document cannot be read. Send a PDF, or a JPEG or PNG photo.
problem-later = Your answer could not be saved. Please try again in a few minutes.
problem-again = If you had attached a document, attach it again.
